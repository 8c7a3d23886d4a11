using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>An even number of dimensions of a head, and no more than it has, is rotated.</summary>
internal sealed class RopeDimensionsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0013",
        "Rotary dimensions do not form pairs",
        "{0} is {1}, but rotary embedding turns pairs of a head's {2} elements; write {3}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0013.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Attention is not { } attention || declaration.HeadDimension <= 0 || !declaration.IsRotated)
        {
            yield break;
        }

        int size = declaration.HeadDimension;
        bool isGiven = attention.Value("HeadDimension", 0) != 0;
        int rotated = attention.Value("RopeDimensions", 0);
        if (rotated != 0)
        {
            if (rotated < 0 || rotated > size || rotated % 2 != 0)
            {
                string instead = size < 2 ? "an even HeadDimension" : "an even number from 2 to " + Show(size - (size % 2));
                yield return new Violation(attention.LocationOf("RopeDimensions"), "RopeDimensions", Show(rotated), Show(size), instead);
            }
        }
        else if (size % 2 != 0 && (isGiven || declaration.Hidden % declaration.Heads == 0))
        {
            string instead = "an even HeadDimension" + (size < 2 ? "" : " or RopeDimensions = " + Show(size - 1));
            yield return new Violation(
                attention.LocationOf(isGiven ? "HeadDimension" : "Heads"), "The head dimension", Show(size), Show(size), instead);
        }
    }
}
