using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary><c>Layers</c> of an attribute is a list of ranges.</summary>
internal sealed class LayerRangeSyntaxRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0022",
        "Layers cannot be read",
        "Layers = '{0}' of [{1}] cannot be read, for {2}; write ranges with both ends included, as in '0..19', '20..' or '0..3, 7'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0022.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Type is null)
        {
            yield break;
        }

        foreach (LayerAttribute layers in declaration.OfLayers)
        {
            if (!layers.TryParse(out _, out string error))
            {
                yield return new Violation(layers.Attribute.LocationOf("Layers"), layers.Text!, layers.Attribute.DisplayName, error);
            }
        }
    }
}
