using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>
/// Replaces a policy by one that suits the activation, in the same layers. A threshold is written as 0: only a calibration
/// knows it, and SPI0031 then points at it.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ReplacePolicyCodeFix)), Shared]
internal sealed class ReplacePolicyCodeFix() : DeclarationCodeFix("SPI0029", "SPI0030", "SPI0032")
{
    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<AttributeSyntax>() is not { } attribute)
        {
            yield break;
        }

        string? layers = attribute.ArgumentList?.Arguments
            .FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == "Layers")?.ToString();
        (string Name, string? Threshold)[] choices = diagnostic.Id == "SPI0032"
            ? [("ExactSparsity", null)]
            : [("Dense", null), ("ActivationThreshold", "Threshold = 0f")];
        foreach ((string name, string? threshold) in choices)
        {
            string arguments = string.Join(", ", new[] { threshold, layers }.Where(argument => argument is not null));
            yield return new Mend(
                "Replace by [" + name + "]",
                new TextChange(
                    attribute.Span,
                    AttributeText.Qualifier(attribute.Name) + name + (arguments.Length == 0 ? "" : "(" + arguments + ")")));
        }
    }
}
