using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A policy acts in layers that the model has.</summary>
internal sealed class LayerRangePastEndRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0023",
        "Layers run past the last layer",
        "Layers = '{0}' of [{1}] runs past layer {2}, the model's last; write {3}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0023.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        int layers = declaration.Layers;
        if (layers <= 0)
        {
            yield break;
        }

        foreach (DeclaredPolicy policy in declaration.Policies)
        {
            string? text = policy.Attribute.Value<string?>("Layers", null);
            if (LayerRange.TryParse(text, layers, out IReadOnlyList<LayerRange> ranges, out _) && ranges.Any(range => range.Last >= layers))
            {
                string clamped = LayerRange.Clamp(ranges, layers);
                string last = Show(layers - 1);
                yield return new Violation(
                        policy.Attribute.LocationOf("Layers"),
                        text!,
                        policy.Attribute.DisplayName,
                        last,
                        clamped.Length > 0 ? "'" + clamped + "'" : "a range inside '0.." + last + "'")
                    .With("Layers", clamped);
            }
        }
    }
}
