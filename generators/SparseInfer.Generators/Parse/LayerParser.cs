using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Rules;
using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Parse;

/// <summary>Reads a <c>[FeedForward]</c> property. The attribute on a class is the model's and no layer of its own.</summary>
internal static class LayerParser
{
    public static LayerSpec? Parse(GeneratorAttributeSyntaxContext context, CancellationToken token) => Parse(context.TargetSymbol, token);

    /// <summary>The layer with every default filled in; null where a rule is broken: the rule's analyzer says so.</summary>
    public static LayerSpec? Parse(ISymbol symbol, CancellationToken token)
    {
        // Two members of one name would both be generated, under one name. The compiler reports the second.
        if (Declaration.From(symbol, token) is not { Property: not null, HasErrors: false } declaration ||
            symbol.ContainingType.GetMembers(symbol.Name).Length > 1)
        {
            return null;
        }

        token.ThrowIfCancellationRequested();
        if (DeclarationRules.FirstBroken(declaration, token) is not null ||
            declaration is not { FeedForward: { } feedForward, Weights: { } weights, Syntax: { } syntax })
        {
            return null;
        }

        token.ThrowIfCancellationRequested();
        return new LayerSpec(
            TargetParser.Parse(symbol),
            string.Join(" ", syntax.Modifiers.Select(modifier => modifier.ValueText)),
            FeedForwardParser.Parse(declaration, feedForward),
            declaration.Policies.Count == 1
                ? declaration.Policies[0].Policy.Parse(declaration.Policies[0].Attribute)
                : PolicyRegistry.Default(declaration.Activation),
            FeedForwardParser.Weights(weights),
            declaration.Device);
    }
}
