using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Parse;

namespace SparseInfer.Generators.Rules;

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
        // File-local types are never nested, so it is the outermost one or none.
        if (declaration.Syntax?.AncestorsAndSelf().OfType<TypeDeclarationSyntax>().LastOrDefault() is { } outermost &&
            (declaration.DecoderModel is not null || declaration.Property is not null))
        {
            foreach (SyntaxToken modifier in outermost.Modifiers.Where(modifier => modifier.IsKind(SyntaxKind.FileKeyword)))
            {
                yield return new Violation(modifier.GetLocation(), outermost.Identifier.ValueText, declaration.Symbol.Name);
            }
        }
    }
}
