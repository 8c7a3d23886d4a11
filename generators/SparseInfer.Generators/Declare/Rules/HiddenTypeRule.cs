using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>The project declares nothing that takes the place of what generated code names.</summary>
internal sealed class HiddenTypeRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0041",
        "Type hides one that generated code names",
        "What is generated for '{0}' would find '{1}' of this project in place of {2}; move it to a namespace of your own",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0041.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    // An attribute's argument may mean the project's type, which is not the attribute's.
    public override bool ExplainsRejection => true;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isDeclaration = declaration is { DecoderModel: not null } or { Property: not null, FeedForward: not null };
        return from hidden in isDeclaration ? HiddenTypes.Of(declaration) : []
               select new Violation(declaration.NameLocation, declaration.Symbol.Name, hidden.By.ToDisplayString(), hidden.What);
    }
}
