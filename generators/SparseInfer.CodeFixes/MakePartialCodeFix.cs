using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Makes a type, and every type around it, partial.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MakePartialCodeFix)), Shared]
internal sealed class MakePartialCodeFix() : DeclarationCodeFix("SPI0001", "SPI0002")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        yield return new Mend(
            "Make partial",
            [
                .. from type in node.AncestorsAndSelf().OfType<TypeDeclarationSyntax>()
                   where !type.Modifiers.Any(SyntaxKind.PartialKeyword)
                   select new TextChange(new TextSpan(type.Keyword.SpanStart, 0), "partial "),
            ]);
    }
}
