using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>A threshold is declared, or a file has one for each neuron.</summary>
internal sealed class NeuronThresholdRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0075",
        "ActivationThreshold has a threshold and one for each neuron",
        "Threshold = {0} of [ActivationThreshold] stands beside PerNeuron, which takes each neuron's own from a file; remove one of them",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0075.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is ActivationThresholdPolicy && ActivationThresholdPolicy.IsPerNeuron(policy.Attribute) && policy.Attribute.IsSet("Threshold")
        select new Violation(policy.Attribute.LocationOf("Threshold"), policy.Attribute.Decimal("Threshold", ""));
}
