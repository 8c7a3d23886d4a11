using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>Signs tell on which side of zero a gate is, and nothing of a cut that depends on all gates of a token.</summary>
internal sealed class SignBitNeedsFixedZerosRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0053",
        "SignBitPredictor on a cut that moves with the token",
        "Activation.{0} cuts at mean and deviation of a token's neurons, which [SignBitPredictor] cannot know; write [ExactSparsity]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0053.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is SignBitPolicy && declaration.HasActivation && declaration.Activation.NeedsAllGates()
        select new Violation(policy.Attribute.Location, declaration.Activation.ToString());
}
