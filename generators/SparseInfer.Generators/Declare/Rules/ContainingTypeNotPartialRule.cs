using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>Every type around a declaration is partial.</summary>
internal sealed class ContainingTypeNotPartialRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0002",
        "Containing type is not partial",
        "'{0}' must be partial, because the generator completes '{1}' inside it; write 'partial {2} {0}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0002.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not ({ DecoderModel: not null } or { Property: not null, FeedForward: not null }))
        {
            yield break;
        }

        foreach (TypeDeclarationSyntax type in declaration.ContainingTypes)
        {
            if (!type.Modifiers.Any(SyntaxKind.PartialKeyword))
            {
                yield return new Violation(
                    type.Identifier.GetLocation(), type.Identifier.ValueText, declaration.Symbol.Name, Keyword(type));
            }
        }
    }

    private static string Keyword(TypeDeclarationSyntax type) =>
        type is RecordDeclarationSyntax { ClassOrStructKeyword.RawKind: not 0 } record
            ? type.Keyword.ValueText + " " + record.ClassOrStructKeyword.ValueText
            : type.Keyword.ValueText;
}
