using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>A predictor that looks ahead reads an earlier layer's input, which the first layers do not have.</summary>
internal sealed class LowRankLookaheadRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0080",
        "LowRankPredictor looks further back than there are layers",
        "Lookahead = {0} of [LowRankPredictor] reads an input of {0} layers before, which layer {1} does not have; write {2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0080.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is LowRankPolicy && declaration.Layers > 0
        let attribute = policy.Attribute
        let lookahead = attribute.Value("Lookahead", 0)
        let first = First(attribute, declaration.Layers)
        where lookahead < 0 || lookahead > first
        select new Violation(attribute.LocationOf("Lookahead"), Show(lookahead), Show(first ?? 0), Instead(lookahead, declaration.Layers));

    private static string Instead(int lookahead, int layers) => lookahead < 0 ? "a number of layers from 0"
        : lookahead < layers ? $"'Layers = \"{Show(lookahead)}..\"', and another policy for the layers before"
        : "a smaller one";

    /// <summary>The first layer that it is for; null: that cannot be read, which another rule says.</summary>
    private static int? First(DeclaredAttribute attribute, int layers) =>
        LayerRange.TryParse(attribute.Value<string?>("Layers", null), layers, out IReadOnlyList<LayerRange> ranges, out _) ? ranges.Min(range => range.First) : null;
}
