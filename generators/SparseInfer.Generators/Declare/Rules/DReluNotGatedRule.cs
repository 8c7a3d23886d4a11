using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>dReLU is a product of two projections (arXiv 2406.05955, equation 2), so its layer is gated.</summary>
internal sealed class DReluNotGatedRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0015",
        "dReLU without a gate",
        "Activation.DRelu multiplies gate and up projections, but Gated is false; write Gated = true or Activation.Relu",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0015.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { FeedForward: { } feedForward, Activation: Activation.DRelu, Gated: false })
        {
            yield return new Violation(feedForward.LocationOf("Gated"));
        }
    }
}
