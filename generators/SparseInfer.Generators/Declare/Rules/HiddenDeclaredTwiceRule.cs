using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A model has its width from <c>[DecoderModel]</c> alone.</summary>
internal sealed class HiddenDeclaredTwiceRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0018",
        "Hidden is declared twice",
        "Hidden = {0} of [FeedForward] {2} Hidden = {1} of [DecoderModel]; remove it here, a model has one width",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0018.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { DecoderModel: not null, FeedForward: { } feedForward } && feedForward.IsSet("Hidden"))
        {
            int here = feedForward.Value("Hidden", 0);
            yield return new Violation(
                feedForward.LocationOf("Hidden"),
                Show(here),
                Show(declaration.Hidden),
                here == declaration.Hidden ? "repeats" : "contradicts");
        }
    }
}
