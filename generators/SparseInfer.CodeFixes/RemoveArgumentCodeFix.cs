using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Removes an argument that has no meaning where it stands.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveArgumentCodeFix)), Shared]
internal sealed class RemoveArgumentCodeFix() : DeclarationCodeFix("SPI0016", "SPI0018", "SPI0026")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<AttributeArgumentSyntax>() is { NameEquals.Name.Identifier.ValueText: var name } argument)
        {
            yield return new Mend("Remove " + name, AttributeText.Remove(argument));
        }
    }
}
