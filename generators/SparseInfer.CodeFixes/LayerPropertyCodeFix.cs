using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Rewrites a property as the one form a layer has; attributes, accessibility and name stay.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(LayerPropertyCodeFix)), Shared]
internal sealed class LayerPropertyCodeFix() : DeclarationCodeFix("SPI0008")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<PropertyDeclarationSyntax>() is not { ExplicitInterfaceSpecifier: null } property)
        {
            yield break;
        }

        string kept = string.Concat(property.Modifiers.Where(IsKept).Select(modifier => modifier.ValueText + " "));
        string qualifier = AttributeText.Qualifier(property.AttributeLists);
        int start = property.Modifiers.Count > 0 ? property.Modifiers[0].SpanStart : property.Type.SpanStart;
        yield return new Mend(
            "Write 'static partial FeedForwardKernel'",
            new TextChange(
                TextSpan.FromBounds(start, property.Span.End),
                kept + "static partial " + qualifier + "FeedForwardKernel " + property.Identifier.Text + " { get; }"));
    }

    private static bool IsKept(SyntaxToken modifier) =>
        modifier.Kind() is SyntaxKind.PublicKeyword or SyntaxKind.InternalKeyword or SyntaxKind.ProtectedKeyword
            or SyntaxKind.PrivateKeyword or SyntaxKind.NewKeyword or SyntaxKind.UnsafeKeyword;
}
