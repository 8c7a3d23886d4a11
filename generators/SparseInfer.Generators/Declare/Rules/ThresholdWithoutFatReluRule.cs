using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Only FATReLU has a threshold.</summary>
internal sealed class ThresholdWithoutFatReluRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0016",
        "Threshold on an activation that has none",
        "Threshold belongs to Activation.FatRelu, but the activation is Activation.{0}; remove it or write Activation.FatRelu",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0016.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { FeedForward: { } feedForward, HasActivation: true, Activation: not Activation.FatRelu } &&
            feedForward.IsSet("Threshold"))
        {
            yield return new Violation(feedForward.LocationOf("Threshold"), declaration.Activation.ToString());
        }
    }
}
