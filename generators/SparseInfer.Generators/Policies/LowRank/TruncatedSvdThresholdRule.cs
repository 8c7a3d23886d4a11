using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Scores are compared with a number.</summary>
internal sealed class TruncatedSvdThresholdRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0074",
        "Threshold of TruncatedSvdPredictor is not finite",
        "Threshold of [TruncatedSvdPredictor] must be finite, but is {0}; it is added to the neurons' own thresholds, and 0 leaves them as they were found",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0074.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is TruncatedSvdPolicy && policy.Attribute.Value("Threshold", 0f) is not (>= float.MinValue and <= float.MaxValue)
        select new Violation(policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", "0"));
}
