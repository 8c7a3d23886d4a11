using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Where policies are given, every layer has one.</summary>
internal sealed class LayerGapRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0025",
        "Layers have no policy",
        "No policy acts in layers {0} of '{1}'; widen a range or add [{2}(Layers = \"{0}\")]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0025.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        LayerCoverage coverage = LayerCoverage.Of(declaration);
        if (!coverage.IsReadable || coverage.Pieces.Count == 0 || coverage.Gaps() is not { Count: > 0 } gaps)
        {
            yield break;
        }

        // The squiggle belongs to the range that ends too early, or, where layer 0 has none, to the one that starts too late.
        var neighbour = coverage.Pieces
            .Where(piece => piece.Range.Last < gaps[0].First)
            .OrderBy(piece => piece.Range.Last)
            .Concat(coverage.Pieces.OrderByDescending(piece => piece.Range.First).Where(_ => gaps[0].First == 0))
            .Last().Policy.Attribute;
        string text = LayerRange.Join(gaps);
        DeclarablePolicy safe = declaration.DefaultPolicy.Policy;
        yield return new Violation(neighbour.LocationOf("Layers"), text, declaration.Symbol.Name, safe.DisplayName)
            .With("Attribute", safe.DisplayName)
            .With("Layers", text);
    }
}
