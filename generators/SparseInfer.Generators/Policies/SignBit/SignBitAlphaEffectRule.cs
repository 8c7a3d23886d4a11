using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>An alpha leaves something to decide: there are neurons that it skips and neurons that it keeps.</summary>
internal sealed class SignBitAlphaEffectRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0036",
        "Alpha decides nothing",
        "Alpha = {0} {1} of {2} signs disagree, which practically never happens; alphas lie near 1, as in 'Alpha = 1.03f'",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0036.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Hidden is not (> 0 and <= DeclaredSize.WidthLimit))
        {
            yield break;
        }

        // A profile's alphas are measured: where signs tell little, one that skips next to nothing is the right one.
        foreach (DeclaredPolicy policy in declaration.Policies.Where(policy => policy.Policy is SignBitPolicy && !policy.Attribute.IsGiven("Alpha")))
        {
            if (policy.Attribute.Value("Alpha", 1f) is not (> 0f and <= 100f))
            {
                continue;
            }

            string alpha = policy.Attribute.Decimal("Alpha", "1");
            int threshold = SignBitThreshold.Of(alpha, declaration.Hidden);
            if (SignBitThreshold.NeverSkips(threshold, declaration.Hidden))
            {
                yield return Violate($"skips a neuron only where more than {Show(threshold)}");
            }
            else if (SignBitThreshold.AlwaysSkips(threshold, declaration.Hidden))
            {
                yield return Violate($"keeps a neuron only where no more than {Show(threshold)}");
            }

            Violation Violate(string what) =>
                new(policy.Attribute.LocationOf("Alpha"), alpha, what, Show(declaration.Hidden));
        }
    }
}
