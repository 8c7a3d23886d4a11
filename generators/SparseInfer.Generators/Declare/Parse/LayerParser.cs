using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Generators.Declare;

/// <summary>Reads a <c>[FeedForward]</c> property. The attribute on a class is the model's and no layer of its own.</summary>
internal static class LayerParser
{
    /// <summary>The layer of a declaration that breaks no rule, with every default filled in; null where it declares none.</summary>
    public static LayerSpec? Read(Declaration declaration)
    {
        if (declaration.Property is not { } property || IsThereTwice(property) ||
            declaration is not { FeedForward: { } feedForward, Weights: { } weights, Syntax: { } syntax })
        {
            return null;
        }

        return new LayerSpec(
            TargetParser.Parse(property),
            Modifiers(property, syntax.Modifiers),
            FeedForwardParser.Parse(declaration, feedForward),
            declaration.Policies.Count == 1
                ? declaration.Policies[0].Policy.Parse(declaration.Policies[0].Attribute)
                : declaration.DefaultPolicy.Spec,
            WeightsParser.Types(weights),
            declaration.Device);
    }

    /// <summary>Two members of one name would both be generated, under one name. The compiler reports the second.</summary>
    public static bool IsThereTwice(IPropertySymbol property) => property.ContainingType.GetMembers(property.Name).Length > 1;

    /// <summary>
    /// The modifiers that both halves repeat, in an order that C# takes whatever the user's is: what is wrong with theirs is said once, in
    /// their own text.
    /// </summary>
    public static string Modifiers(ISymbol symbol, SyntaxTokenList modifiers)
    {
        IEnumerable<string> accessibility = modifiers.Any(modifier => SyntaxFacts.IsAccessibilityModifier(modifier.Kind()))
            ? [SyntaxFacts.GetText(symbol.DeclaredAccessibility)]
            : [];
        IEnumerable<string> others = modifiers.Where(modifier => Repeated.Contains(modifier.Kind())).Select(modifier => modifier.ValueText);
        return string.Join(" ", accessibility.Concat(others.Distinct()).Append("partial"));
    }

    /// <summary>Whether a layer may have a modifier.</summary>
    public static bool IsUsual(SyntaxToken modifier) =>
        SyntaxFacts.IsAccessibilityModifier(modifier.Kind()) || modifier.IsKind(SyntaxKind.PartialKeyword) || Repeated.Contains(modifier.Kind());

    private static readonly SyntaxKind[] Repeated = [SyntaxKind.NewKeyword, SyntaxKind.StaticKeyword, SyntaxKind.UnsafeKeyword];
}
