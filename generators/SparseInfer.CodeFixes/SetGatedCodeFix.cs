using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Gives a dReLU layer its gate.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SetGatedCodeFix)), Shared]
internal sealed class SetGatedCodeFix() : DeclarationCodeFix("SPI0015")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        yield return new Mend("Set Gated = true", new TextChange(diagnostic.Location.SourceSpan, "true"));
    }
}
