using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Every size, and every matrix that sizes span, is one that generated code can address.</summary>
internal sealed class SizeTooLargeRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0010",
        "Size is too large",
        "{0} is {1}, but generated code supports at most {2}; declare a smaller size",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0010.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        DeclaredSize[] tooLarge = [.. DeclaredSize.Of(declaration).Where(size => size.Value > size.Limit)];
        foreach (DeclaredSize size in tooLarge)
        {
            yield return new Violation(size.Attribute.LocationOf(size.Name), size.Name, Show(size.Value), Show(size.Limit));
        }

        if (tooLarge.Length > 0)
        {
            // A product of these says nothing new, and may not even be a number.
            yield break;
        }

        foreach ((string name, long value, long limit, Location location) in Products(declaration))
        {
            if (value > limit)
            {
                yield return new Violation(location, name, Show(value), Show(limit));
            }
        }
    }

    private static IEnumerable<(string Name, long Value, long Limit, Location Location)> Products(Declaration declaration)
    {
        long hidden = declaration.Hidden;
        long heads = (long)declaration.Heads * declaration.HeadDimension;
        if (declaration.FeedForward is { } feedForward)
        {
            Location location = feedForward.LocationOf("Intermediate");
            yield return ("Hidden * Intermediate", hidden * declaration.Intermediate, DeclaredSize.MatrixLimit, location);
        }

        if (declaration.DecoderModel is { } model)
        {
            yield return ("Vocabulary * Hidden", declaration.Vocabulary * hidden, DeclaredSize.MatrixLimit, model.LocationOf("Vocabulary"));
        }

        if (declaration.Embedding is { } embedding)
        {
            long rows = (long)declaration.LearnedPositions + embedding.Value("PositionOffset", 0);
            yield return ("LearnedPositions * Hidden", rows * hidden, DeclaredSize.MatrixLimit, embedding.LocationOf("LearnedPositions"));
        }

        if (declaration.Attention is { } attention)
        {
            Location location = attention.LocationOf(attention.IsSet("HeadDimension") ? "HeadDimension" : "Heads");
            yield return ("Heads * HeadDimension", heads, DeclaredSize.WidthLimit, location);
            if (heads <= DeclaredSize.WidthLimit)
            {
                yield return ("Hidden * Heads * HeadDimension", hidden * heads, DeclaredSize.MatrixLimit, location);
            }

            if (declaration.IsForGpu)
            {
                yield return ("The head dimension", declaration.HeadDimension, DeclaredSize.GpuHeadLimit, location);
            }

            bool isGiven = attention.Value("RopeDimensions", 0) != 0;
            long rotated = !declaration.IsRotated ? 0 : isGiven ? attention.Value("RopeDimensions", 0) : declaration.HeadDimension;
            yield return (
                "Context * RopeDimensions",
                declaration.Context * rotated,
                DeclaredSize.RotationLimit,
                isGiven ? attention.LocationOf("RopeDimensions") : location);
        }
    }
}
