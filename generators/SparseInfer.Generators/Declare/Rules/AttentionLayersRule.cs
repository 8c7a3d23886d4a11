using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A layer has one window, a pattern begins again within the model, and what is never rotated has no rotary embedding.</summary>
internal sealed class AttentionLayersRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0045",
        "Layers of attention contradict each other",
        "{0} of [{1}] {2}; {3}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0045.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        LayerAttribute[] windows = [.. declaration.Windows];
        LayerAttribute[] all = [.. windows, .. declaration.NoRope is { } own ? [own] : Array.Empty<LayerAttribute>()];
        if (declaration.Type is null || declaration.Layers is < 1 or > DeclaredSize.LayerLimit || !all.All(IsReadable))
        {
            return [];
        }

        return [.. Periods(all), .. Overlaps(windows), .. Rotations(declaration)];
    }

    private static bool IsReadable(LayerAttribute layers) =>
        layers.Period >= 0 && layers.TryParse(out IReadOnlyList<LayerRange> ranges, out _) && ranges.All(range => range.Last < layers.Numbered);

    private static IEnumerable<Violation> Periods(IEnumerable<LayerAttribute> all) =>
        from layers in all
        where layers.Period > layers.Layers
        select Of(layers.Attribute, "Period", $"is {Show(layers.Period)}, but the model has {Show(layers.Layers)} layers", "leave it out, and number layers of the model");

    private static IEnumerable<Violation> Overlaps(LayerAttribute[] windows)
    {
        for (int i = 1; i < windows.Length; i++)
        {
            LayerPattern pattern = windows[i].Pattern();
            LayerPattern[] earlier = [.. windows.Take(i).Select(window => window.Pattern())];
            foreach (int layer in Enumerable.Range(0, windows[i].Layers).Where(layer => pattern.Contains(layer) && earlier.Any(other => other.Contains(layer))).Take(1))
            {
                yield return Of(
                    windows[i].Attribute, "Layers", $"claim layer {Show(layer)}, which has a window already", "give each layer one window");
            }
        }
    }

    private static IEnumerable<Violation> Rotations(Declaration declaration) =>
        from attention in declaration is { IsRotated: false, Attention: { } own } ? [own] : Array.Empty<DeclaredAttribute>()
        from name in new[] { "RopeTheta", "RopeScaling", "RopeDimensions", "RopePairing" }
        where attention.IsSet(name)
        select Of(attention, name, "says how heads are rotated, but [NoRope] is declared for every layer", "remove one of the two");

    private static Violation Of(DeclaredAttribute attribute, string argument, string what, string instead) =>
        new(attribute.LocationOf(argument), argument, attribute.DisplayName, what, instead);
}
