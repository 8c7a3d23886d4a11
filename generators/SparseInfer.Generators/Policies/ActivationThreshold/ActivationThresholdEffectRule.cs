using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>A threshold lies where activations do: it skips some of them and keeps some.</summary>
internal sealed class ActivationThresholdEffectRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0037",
        "Activation threshold decides nothing",
        "Threshold = {0} of [ActivationThreshold] is compared with activations, of which practically {1} are that small; "
            + "write the calibrated threshold itself, not the share of neurons it skips, as in 'Threshold = 0.1f'",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0037.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    /// <summary>SiLU and GELU of a normalised input: what is smaller is zero but for rounding, what is larger is an outlier.</summary>
    private const float Smallest = 1e-6f;

    private const float Largest = 10f;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is ActivationThresholdPolicy && !ActivationThresholdPolicy.IsPerNeuron(policy.Attribute)
        let threshold = policy.Attribute.Value("Threshold", 0f)
        where threshold is > 0f and (< Smallest or (> Largest and <= float.MaxValue))
        select new Violation(
            policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", ""), threshold < Smallest ? "none" : "all");
}
