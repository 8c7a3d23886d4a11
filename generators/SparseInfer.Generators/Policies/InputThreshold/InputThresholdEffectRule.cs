using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>An attribute without thresholds skips nothing.</summary>
internal sealed class InputThresholdEffectRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0063",
        "InputThreshold declares no threshold",
        "[InputThreshold] skips no channel: none of Heads, Output, FeedForward and Down is above 0; write a calibrated one, as in 'Heads = 0.1f', or remove the attribute",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0063.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is InputThresholdPolicy

        // A profile makes one of each layer, of which some may skip nothing.
        group policy.Attribute by policy.Attribute.Syntax into layers
        where layers.All(attribute => InputThresholdPolicy.Uses.All(use => attribute.Value(use, 0f) == 0f))
        select new Violation(layers.First().Location);
}
