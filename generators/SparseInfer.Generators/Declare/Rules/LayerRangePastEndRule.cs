using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>An attribute is for layers that the model has.</summary>
internal sealed class LayerRangePastEndRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0023",
        "Layers run past the last layer",
        "Layers = '{0}' of [{1}] runs past layer {2}, the {3}'s last; write {4}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0023.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Layers <= 0)
        {
            yield break;
        }

        foreach (LayerAttribute layers in declaration.OfLayers)
        {
            if (layers.TryParse(out IReadOnlyList<LayerRange> ranges, out _) && ranges.Any(range => range.Last >= layers.Numbered))
            {
                string clamped = LayerRange.Clamp(ranges, layers.Numbered);
                string last = Show(layers.Numbered - 1);
                yield return new Violation(
                        layers.Attribute.LocationOf("Layers"),
                        layers.Text!,
                        layers.Attribute.DisplayName,
                        last,
                        layers.Period > 0 ? "period" : "model",
                        clamped.Length > 0 ? "'" + clamped + "'" : "a range inside '0.." + last + "'")
                    .With("Layers", clamped);
            }
        }
    }
}
