using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A cut that depends on all gates of a token is known when all of them are read: nothing is left to choose before.</summary>
internal sealed class PredictorOnCutRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0053",
        "Predictor on a cut that moves with the token",
        "Activation.{0} cuts at mean and deviation of all of a token's neurons, so [{1}] can leave none of them unread; write [ExactSparsity]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0053.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    // A profile makes one attribute of each layer: what is wrong with it is said once.
    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy.LeavesGatesUnread && declaration.HasActivation && declaration.Activation.NeedsAllGates()
        group policy by policy.Attribute.Syntax into attribute
        let first = attribute.First()
        select new Violation(first.Attribute.Location, declaration.Activation.ToString(), first.Policy.DisplayName);
}
