using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Vocabulary;

/// <summary>Scores are compared with a number.</summary>
internal sealed class VocabularyThresholdRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0071",
        "Threshold of VocabularyPredictor is not finite",
        "Threshold of [VocabularyPredictor] must be finite, but is {0}; words' scores are compared with it, and predictors are trained for 0",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0071.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is VocabularyPolicy && policy.Attribute.Value("Threshold", 0f) is not (>= float.MinValue and <= float.MaxValue)
        select new Violation(policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", "0"));
}
