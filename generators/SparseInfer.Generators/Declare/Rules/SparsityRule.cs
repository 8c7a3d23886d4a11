using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Gaussian top-k has a share of neurons to cut, and no other activation has.</summary>
internal sealed class SparsityRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0054",
        "Sparsity and activation contradict each other",
        "{0}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0054.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { FeedForward: { } feedForward, HasActivation: true })
        {
            yield break;
        }

        if (declaration.Activation != Activation.GaussianTopK)
        {
            if (feedForward.IsSet("Sparsity"))
            {
                yield return new Violation(
                    feedForward.LocationOf("Sparsity"),
                    $"Sparsity belongs to Activation.GaussianTopK, but the activation is Activation.{declaration.Activation}; "
                        + "remove it or write Activation.GaussianTopK");
            }
        }
        else if (feedForward.Value("Sparsity", float.NaN) is not (>= 0.001f and <= 0.999f))
        {
            yield return new Violation(
                feedForward.LocationOf("Sparsity"),
                $"Activation.GaussianTopK cuts a share of the neurons, but Sparsity is {feedForward.Decimal("Sparsity", "not set")}; "
                    + "write one from 0.001 to 0.999, as in 'Sparsity = 0.95f'");
        }
    }
}
