using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Generators.Declare;

/// <summary>The project's C# is one that generated code is written in.</summary>
internal sealed class LanguageVersionRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0040",
        "C# is too old",
        "What is generated for '{0}' needs C# {1}, but the project has C# {2}; write '<LangVersion>latest</LangVersion>' in the project, or remove it",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0040.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isModel = declaration.DecoderModel is not null;
        if (!isModel && declaration is not { Property: not null, FeedForward: not null })
        {
            yield break;
        }

        // A layer is a partial property.
        LanguageVersion needed = isModel ? LanguageVersion.CSharp12 : LanguageVersion.CSharp13;
        if (declaration.Language < needed)
        {
            yield return new Violation(
                declaration.NameLocation, declaration.Symbol.Name, needed.ToDisplayString(), declaration.Language.ToDisplayString());
        }
    }
}
