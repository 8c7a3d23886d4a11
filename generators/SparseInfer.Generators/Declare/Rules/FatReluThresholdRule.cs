using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>FATReLU has a finite threshold of at least 0; which one is part of the model, so there is no default.</summary>
internal sealed class FatReluThresholdRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0017",
        "FATReLU without a usable threshold",
        "FATReLU keeps x where x > Threshold, but Threshold is {0}; write a finite one that is not negative, as in 'Threshold = 0.01f'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0017.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { FeedForward: { } feedForward, Activation: Activation.FatRelu } &&
            feedForward.Value("Threshold", float.NaN) is not (>= 0f and <= float.MaxValue))
        {
            string threshold = feedForward.Decimal("Threshold", "not set");
            yield return new Violation(feedForward.LocationOf("Threshold"), threshold).With("Value", threshold);
        }
    }
}
