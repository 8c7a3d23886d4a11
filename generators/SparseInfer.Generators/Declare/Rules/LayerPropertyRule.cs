using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>A layer that stands alone is a static partial get-only property of type <c>FeedForwardKernel</c>.</summary>
internal sealed class LayerPropertyRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0008",
        "Layer property has the wrong form",
        "'{0}' must {1}; write 'static partial FeedForwardKernel {0} {{ get; }}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0008.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { Property: { } property, FeedForward: not null })
        {
            yield break;
        }

        if (declaration.Syntax?.Parent is not TypeDeclarationSyntax { Identifier.RawKind: not 0 })
        {
            // A brace too many, an enum, an extension block: nothing that can be reopened.
            yield return new Violation(declaration.NameLocation, property.Name, "be a member of a class, struct, record or interface");
        }

        if (!property.IsStatic)
        {
            yield return new Violation(declaration.NameLocation, property.Name, "be static");
        }

        if (declaration.Syntax is not PropertyDeclarationSyntax syntax)
        {
            yield break;
        }

        if (!syntax.Modifiers.Any(SyntaxKind.PartialKeyword))
        {
            yield return new Violation(declaration.NameLocation, property.Name, "be partial");
        }
        else if (Body(syntax) is { } body)
        {
            yield return new Violation(body.GetLocation(), property.Name, "have no body of its own");
        }
        else if (property.PartialImplementationPart is { } other)
        {
            yield return new Violation(other.Locations[0], property.Name, "have no other half of its own");
        }

        if (syntax.ExplicitInterfaceSpecifier is { } specifier)
        {
            yield return new Violation(specifier.GetLocation(), property.Name, "implement no interface by name");
        }

        foreach (SyntaxToken modifier in syntax.Modifiers.Where(modifier => !LayerParser.IsUsual(modifier)))
        {
            yield return new Violation(modifier.GetLocation(), property.Name, $"not be '{modifier.ValueText}'");
        }

        if (syntax.AccessorList?.Accessors.SelectMany(accessor => accessor.Modifiers).FirstOrDefault() is { RawKind: not 0 } own)
        {
            yield return new Violation(own.GetLocation(), property.Name, "be read wherever it is seen");
        }

        if (syntax.AccessorList?.Accessors.FirstOrDefault(accessor => !accessor.IsKind(SyntaxKind.GetAccessorDeclaration)) is { } setter)
        {
            yield return new Violation(setter.Keyword.GetLocation(), property.Name, "be read-only");
        }

        if (syntax.AccessorList?.Accessors.Any(SyntaxKind.GetAccessorDeclaration) == false)
        {
            yield return new Violation(declaration.NameLocation, property.Name, "have 'get;'");
        }

        if (property.RefKind != RefKind.None || property.Type.ToDisplayString() != "SparseInfer.FeedForwardKernel")
        {
            yield return new Violation(syntax.Type.GetLocation(), property.Name, "be of type SparseInfer.FeedForwardKernel");
        }
    }

    private static SyntaxNode? Body(PropertyDeclarationSyntax syntax) =>
        syntax.ExpressionBody ??
        syntax.AccessorList?.Accessors
            .Select(accessor => (SyntaxNode?)accessor.Body ?? accessor.ExpressionBody)
            .FirstOrDefault(body => body is not null);
}
