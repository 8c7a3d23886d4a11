using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Removes the second of two attributes that exclude each other.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveAttributeCodeFix)), Shared]
internal sealed class RemoveAttributeCodeFix() : DeclarationCodeFix("SPI0007", "SPI0027")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<AttributeSyntax>() is { } attribute)
        {
            yield return new Mend("Remove [" + attribute.Name + "]", AttributeText.Remove(attribute, text));
        }
    }
}
