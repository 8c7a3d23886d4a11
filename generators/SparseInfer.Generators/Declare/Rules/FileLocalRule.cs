using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>A declaration can be reopened in another file.</summary>
internal sealed class FileLocalRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0033",
        "Declaration is file-local",
        "'{0}' is file-local, but '{1}' is completed by generated code in another file; remove 'file'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0033.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isDeclaration = declaration.DecoderModel is not null || declaration.Property is not null;
        return from type in isDeclaration ? declaration.Syntax?.AncestorsAndSelf().OfType<TypeDeclarationSyntax>() ?? [] : []
               from modifier in type.Modifiers
               where modifier.IsKind(SyntaxKind.FileKeyword)
               select new Violation(modifier.GetLocation(), type.Identifier.ValueText, declaration.Symbol.Name);
    }
}
