using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>A gate has no more singular values than rows or columns.</summary>
internal sealed class TruncatedSvdRankRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0073",
        "Rank of TruncatedSvdPredictor is larger than the gate's",
        "Rank of [TruncatedSvdPredictor] is {0}, but the gate's is at most {1}, which reproduces it; write a rank that costs less than the gate, as in 'Rank = {2}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0073.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    // A sixteenth is what SVDP's models have, rounded to what vectors take.
    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is TruncatedSvdPolicy && declaration.Hidden > 0 && declaration.Intermediate > 0
        let rank = policy.Attribute.Value("Rank", 0)
        let most = Math.Min(declaration.Hidden, declaration.Intermediate)
        where rank > most
        select new Violation(policy.Attribute.LocationOf("Rank"), Show(rank), Show(most), Show(most / 16 > 32 ? most / 16 / 32 * 32 : (most + 1) / 2));
}
