using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignMagnitude;

/// <summary>Votes tell on which side of a cut a gate is: there has to be one.</summary>
internal sealed class SignMagnitudeActivationRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0060",
        "SignMagnitudePredictor on an activation that it cannot predict",
        "Activation.{0} has no exact zeros that [SignMagnitudePredictor] could predict; write [Dense] or [ActivationThreshold], or an activation of the ReLU family",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0060.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is SignMagnitudePolicy && declaration.HasActivation && !declaration.Activation.HasExactZeros()
        select new Violation(policy.Attribute.Location, declaration.Activation.ToString());
}
