using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.HeadSparsity;

/// <summary>Heads that share keys and values are left out together: where all share one, there is nothing to choose.</summary>
internal sealed class HeadSparsityGroupsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0078",
        "HeadSparsity has one group of heads",
        "[HeadSparsity] chooses among key-value heads, but all {0} heads share one; remove it, or declare 'KeyValueHeads' of [Attention] as the model has them",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0078.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    // A profile makes one attribute of each layer: what is wrong with it is said once.
    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is HeadSparsityPolicy && declaration.KeyValueHeads == 1
        group policy.Attribute by policy.Attribute.Syntax into layers
        select new Violation(layers.First().Location, Show(declaration.Heads));
}
