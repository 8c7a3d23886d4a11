using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A layer that stands alone has at most one policy.</summary>
internal sealed class TwoPoliciesOnPropertyRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0027",
        "Single layer has two policies",
        "'{0}' is one layer and has [{1}] already; remove [{2}]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0027.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies.Skip(1)
        where declaration.Property is not null
        select new Violation(
            policy.Attribute.Location,
            declaration.Symbol.Name,
            declaration.Policies[0].Attribute.DisplayName,
            policy.Attribute.DisplayName);
}
