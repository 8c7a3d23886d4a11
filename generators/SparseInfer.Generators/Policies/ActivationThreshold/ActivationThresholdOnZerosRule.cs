using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>A threshold that drops small activations is for those that are never zero.</summary>
internal sealed class ActivationThresholdOnZerosRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0032",
        "ActivationThreshold on an activation with exact zeros",
        "Activation.{0} has exact zeros, which cost nothing to skip and change no result; prefer {1}",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0032.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is ActivationThresholdPolicy && declaration.HasActivation && declaration.Activation.HasExactZeros()
        select new Violation(
            policy.Attribute.Location,
            declaration.Activation.ToString(),
            declaration.Activation.NeedsAllGates() ? "[ExactSparsity]" : "[ExactSparsity] or [SignBitPredictor]");
}
