using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.HeadSparsity;

/// <summary>A share of heads; how many a model can do without has no usual answer.</summary>
internal sealed class HeadSparsityKeepRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0077",
        "Keep of HeadSparsity is no share",
        "Keep of [HeadSparsity] must be above 0 and at most 1, but is {0}; write the share of heads that is kept, as in 'Keep = 0.5f'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0077.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is HeadSparsityPolicy && policy.Attribute.Value("Keep", 0f) is not (> 0f and <= 1f)
        select new Violation(policy.Attribute.LocationOf("Keep"), policy.Attribute.Decimal("Keep", "not set"));
}
