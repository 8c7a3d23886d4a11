using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>A <c>[DecoderModel]</c> class is partial.</summary>
internal sealed class TypeNotPartialRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0001",
        "Model class is not partial",
        "'{0}' must be partial, because the generator completes it; write 'partial class {0}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0001.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { DecoderModel: not null, Syntax: TypeDeclarationSyntax type } && !type.Modifiers.Any(SyntaxKind.PartialKeyword))
        {
            yield return new Violation(type.Identifier.GetLocation(), type.Identifier.ValueText);
        }
    }
}
