using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>CATS cuts at a threshold that was calibrated; there is no default.</summary>
internal sealed class ActivationThresholdValueRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0031",
        "Activation threshold is not usable",
        "Threshold of [ActivationThreshold] must be finite and positive, but is {0}; write the calibrated one, as in 'Threshold = 0.1f'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0031.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is ActivationThresholdPolicy && !ActivationThresholdPolicy.IsPerNeuron(policy.Attribute)
            && policy.Attribute.Value("Threshold", 0f) is not (> 0f and <= float.MaxValue)
        select new Violation(policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", "not set"));
}
