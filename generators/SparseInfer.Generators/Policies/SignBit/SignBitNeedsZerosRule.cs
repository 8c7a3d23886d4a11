using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary><c>[SignBitPredictor]</c> stands beside an activation that is exactly zero on a half-line.</summary>
internal sealed class SignBitNeedsZerosRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0029",
        "SignBitPredictor on an activation without zeros",
        "Activation.{0} has no exact zeros that [SignBitPredictor] could predict; "
            + "write [Dense] or [ActivationThreshold], or an activation of the ReLU family",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0029.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is SignBitPolicy && declaration.HasActivation && !declaration.Activation.HasExactZeros()
        select new Violation(policy.Attribute.Location, declaration.Activation.ToString());
}
