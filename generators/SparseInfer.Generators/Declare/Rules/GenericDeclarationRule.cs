using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>Neither a declaration nor a type around it has type parameters.</summary>
internal sealed class GenericDeclarationRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0003",
        "Declaration is generic",
        "'{0}' must not be generic, because '{1}' is generated for one shape; move it to a type without type parameters",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0003.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        IEnumerable<TypeDeclarationSyntax> types = declaration.ContainingTypes;
        if (declaration.Syntax is TypeDeclarationSyntax type)
        {
            types = types.Prepend(type);
        }

        return from generic in types
               where generic.TypeParameterList is not null
               select new Violation(generic.TypeParameterList!.GetLocation(), generic.Identifier.ValueText, declaration.Symbol.Name);
    }
}
