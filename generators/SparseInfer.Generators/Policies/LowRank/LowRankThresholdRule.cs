using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Scores are compared with a number.</summary>
internal sealed class LowRankThresholdRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0058",
        "Threshold of LowRankPredictor is not finite",
        "Threshold of [LowRankPredictor] must be finite, but is {0}; scores are compared with it, and predictors are trained for 0",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0058.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is LowRankPolicy && policy.Attribute.Value("Threshold", 0f) is not (>= float.MinValue and <= float.MaxValue)
        select new Violation(policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", "0"));
}
