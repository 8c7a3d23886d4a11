using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Exact;

/// <summary><c>[ExactSparsity]</c> stands beside an activation that is exactly zero on a half-line.</summary>
internal sealed class ExactNeedsZerosRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0030",
        "ExactSparsity on an activation without zeros",
        "Activation.{0} has no exact zeros that [ExactSparsity] could skip; "
            + "write [Dense] or [ActivationThreshold], or an activation of the ReLU family",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0030.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is ExactPolicy && declaration.HasActivation && !declaration.Activation.HasExactZeros()
        select new Violation(policy.Attribute.Location, declaration.Activation.ToString());
}
