using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A model says what its attention, feed-forward, norm and weights are; a layer what its weights are.</summary>
internal sealed class MissingAttributeRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0006",
        "Required attribute is missing",
        "'{0}' needs {1}; write for example '{2}' with the model's own values",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0006.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isModel = declaration.DecoderModel is not null;
        if (isModel && declaration.Attention is null)
        {
            yield return Missing("[Attention]", "[Attention(Heads = 32)]", "Attention");
        }

        if (isModel && declaration.FeedForward is null)
        {
            yield return Missing("[FeedForward]", "[FeedForward(Intermediate = 11008, Activation = Activation.Relu)]", "FeedForward");
        }

        if (isModel && declaration.RmsNorm is null && declaration.LayerNorm is null)
        {
            yield return Missing("[RmsNorm] or [LayerNorm]", "[RmsNorm(Epsilon = 1e-5f)]", "RmsNorm");
        }

        if (declaration.Weights is null && (isModel || declaration is { Property: not null, FeedForward: not null }))
        {
            yield return Missing("[Weights]", "[Weights(WeightType.F16)]", "Weights");
        }

        Violation Missing(string what, string example, string attribute) =>
            new Violation(declaration.NameLocation, declaration.Symbol.Name, what, example).With("Attribute", attribute);
    }
}
