using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>No format of files with one matrix for all experts has a place for biases that generated code reads.</summary>
internal sealed class ExpertBiasesRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0052",
        "Experts have no biases",
        "Biases is true, but the matrices of [Experts] have none that generated code reads; remove Biases",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0052.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { Experts: not null, FeedForward: { } feedForward } && feedForward.Value("Biases", false))
        {
            yield return new Violation(feedForward.LocationOf("Biases"));
        }
    }
}
