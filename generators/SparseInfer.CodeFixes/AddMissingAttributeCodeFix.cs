using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>
/// Adds an attribute that a declaration cannot do without. Sizes are written as 0: which they are only the user knows, and
/// SPI0009 then points at each of them.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AddMissingAttributeCodeFix)), Shared]
internal sealed class AddMissingAttributeCodeFix() : DeclarationCodeFix("SPI0005", "SPI0006")
{
    /// <summary>None: several are missing on one declaration, each to be filled in by hand.</summary>
    public override FixAllProvider? GetFixAllProvider() => null;

    protected override IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text)
    {
        if (node.FirstAncestorOrSelf<MemberDeclarationSyntax>() is not { AttributeLists: { Count: > 0 } lists } declaration ||
            !diagnostic.Properties.TryGetValue("Attribute", out string? missing))
        {
            yield break;
        }

        string qualifier = AttributeText.Qualifier(lists);
        string[] choices = missing == "RmsNorm" ? ["RmsNorm", "LayerNorm"] : [missing!];
        foreach (string choice in choices)
        {
            string attribute = qualifier + choice + Arguments(choice, declaration is BaseTypeDeclarationSyntax, qualifier);
            yield return new Mend(
                "Add [" + choice + "]",
                choice is "DecoderModel" or "FeedForward" && diagnostic.Id == "SPI0005"
                    ? AttributeText.Above(lists[0], attribute, text)
                    : AttributeText.Below(lists[lists.Count - 1], attribute, text));
        }
    }

    private static string Arguments(string attribute, bool isModel, string qualifier) => attribute switch
    {
        "DecoderModel" => "(Hidden = 0, Layers = 0, Vocabulary = 0, Context = 0)",
        "Attention" => "(Heads = 0)",
        "FeedForward" => isModel ? "(Intermediate = 0)" : "(Hidden = 0, Intermediate = 0)",
        "Weights" => "(" + qualifier + "WeightType.F16)",
        _ => "",
    };
}
