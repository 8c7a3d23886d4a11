using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Every size that has no default is written, and none is negative.</summary>
internal sealed class SizeNotPositiveRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0009",
        "Size is not positive",
        "{0} of [{1}] must be at least 1, but is {2}; write the number of {3}, as in '{0} = {4}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0009.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from size in DeclaredSize.Of(declaration)
        where size.Value < 0 || (size.IsRequired && size.Value == 0)
        select new Violation(
            size.Attribute.LocationOf(size.Name),
            size.Name,
            size.Attribute.DisplayName,
            size.Attribute.IsSet(size.Name) ? Show(size.Value) : "not set",
            size.Counted,
            Show(size.Example));
}
