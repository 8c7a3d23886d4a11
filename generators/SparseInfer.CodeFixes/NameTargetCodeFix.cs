using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Names the target that is written most like the unknown one.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(NameTargetCodeFix)), Shared]
internal sealed class NameTargetCodeFix() : DeclarationCodeFix("SPI0034")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (diagnostic.Properties["Nearest"] is { } nearest && node.FirstAncestorOrSelf<AttributeArgumentSyntax>() is { } argument)
        {
            yield return new Mend($"Write \"{nearest}\"", new TextChange(argument.Expression.Span, $"\"{nearest}\""));
        }
    }
}
