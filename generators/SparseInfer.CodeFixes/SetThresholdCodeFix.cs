using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Gives FATReLU the threshold that ProSparse's 7B model was trained with (arXiv 2402.13516).</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SetThresholdCodeFix)), Shared]
internal sealed class SetThresholdCodeFix() : DeclarationCodeFix("SPI0017")
{
    private const string Threshold = "0.01f";

    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        TextChange? change = node.FirstAncestorOrSelf<AttributeArgumentSyntax>() is not null
            ? new TextChange(diagnostic.Location.SourceSpan, Threshold)
            : node.FirstAncestorOrSelf<AttributeSyntax>()?.ArgumentList is { Arguments: { Count: > 0 } arguments }
                ? new TextChange(new TextSpan(arguments.Last().Span.End, 0), ", Threshold = " + Threshold)
                : null;
        if (change is { } edit)
        {
            yield return new Mend("Set Threshold = " + Threshold, edit);
        }
    }
}
