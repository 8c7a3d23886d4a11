using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;

namespace SparseInfer.Generators.Policies.SignMagnitude;

/// <summary>Betas lie near 1; the weight of outliers keeps sums of votes inside 32 bits.</summary>
internal sealed class SignMagnitudeNumberRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0059",
        "Number of SignMagnitudePredictor is out of range",
        "{0} of [SignMagnitudePredictor] is {1}, but must be {2}; write for example '{3}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0059.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        foreach (DeclaredPolicy policy in declaration.Policies.Where(policy => policy.Policy is SignMagnitudePolicy))
        {
            if (policy.Attribute.Value("Beta", 1f) is not (> 0f and <= 10f))
            {
                yield return Violate("Beta", "above 0 and at most 10", "Beta = 1.02f");
            }

            if (policy.Attribute.Value("OutlierWeight", 60f) is not (>= 0f and <= VoteParameters.MaxOutlierWeight))
            {
                yield return Violate("OutlierWeight", $"at least 0 and at most {VoteParameters.MaxOutlierWeight}", "OutlierWeight = 60");
            }

            if (policy.Attribute.Value("OutlierSigmas", 6f) is not (> 0f and <= float.MaxValue))
            {
                yield return Violate("OutlierSigmas", "finite and positive", "OutlierSigmas = 6");
            }

            Violation Violate(string name, string bounds, string example) =>
                new(policy.Attribute.LocationOf(name), name, policy.Attribute.Decimal(name, ""), bounds, example);
        }
    }
}
