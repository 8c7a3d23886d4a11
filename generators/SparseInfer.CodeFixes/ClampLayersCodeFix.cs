using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Ends a layer range where the model ends.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ClampLayersCodeFix)), Shared]
internal sealed class ClampLayersCodeFix() : DeclarationCodeFix("SPI0023")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (diagnostic.Properties.TryGetValue("Layers", out string? layers) && layers is { Length: > 0 })
        {
            yield return new Mend("End at the last layer", new TextChange(diagnostic.Location.SourceSpan, "\"" + layers + "\""));
        }
    }
}
