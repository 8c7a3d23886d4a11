using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Learned positions reach as far as the context, and nothing is rotated beside them.</summary>
internal sealed class LearnedPositionsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0046",
        "Learned positions contradict the rest",
        "{0} of [Embedding] is {1}, but {2}; {3}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0046.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { Type: not null, Embedding: { } embedding })
        {
            yield break;
        }

        int positions = declaration.LearnedPositions;
        int offset = embedding.Value("PositionOffset", 0);
        Violation Of(string name, int value, string but, string instead) => new(embedding.LocationOf(name), name, Show(value), but, instead);
        if (positions == 0 && offset > 0)
        {
            yield return Of("PositionOffset", offset, "positions are not learned", "write LearnedPositions, or leave it out");
        }

        if (positions > 0 && declaration.Context > positions)
        {
            yield return Of(
                "LearnedPositions", positions, $"Context = {Show(declaration.Context)} of [DecoderModel] is longer", "declare a context that has a vector for each position");
        }

        if (positions > 0 && declaration.Layers > 0 && declaration.IsRotated)
        {
            yield return Of("LearnedPositions", positions, "queries and keys are rotated by their positions too", "write [NoRope]");
        }
    }
}
