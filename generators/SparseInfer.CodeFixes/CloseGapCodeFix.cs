using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Gives layers without a policy the one that changes no result.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(CloseGapCodeFix)), Shared]
internal sealed class CloseGapCodeFix() : DeclarationCodeFix("SPI0025")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<AttributeSyntax>() is { Parent: AttributeListSyntax list } attribute &&
            diagnostic.Properties.TryGetValue("Attribute", out string? policy) &&
            diagnostic.Properties.TryGetValue("Layers", out string? layers))
        {
            string added = AttributeText.Qualifier(attribute.Name) + policy + "(Layers = \"" + layers + "\")";
            yield return new Mend("Add [" + policy + "] for the other layers", AttributeText.Below(list, added, text));
        }
    }
}
