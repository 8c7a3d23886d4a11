using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>No layer has two policies at one site.</summary>
internal sealed class LayerRangeOverlapRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0024",
        "Two policies claim one layer",
        "[{0}] claims layers {1}, which [{2}] has already; give each layer one policy",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0024.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) => declaration.Property is not null
        ? []
        : declaration.Policies.Select(policy => policy.Policy.Site).Distinct().SelectMany(site => Check(LayerCoverage.Of(declaration, site).Pieces));

    private static IEnumerable<Violation> Check(IReadOnlyList<(DeclaredPolicy Policy, LayerRange Range)> pieces)
    {
        var reported = new HashSet<DeclaredPolicy>();
        for (int i = 1; i < pieces.Count; i++)
        {
            var (policy, range) = pieces[i];
            for (int j = 0; j < i; j++)
            {
                // One report an attribute: mending its first overlap mostly mends the others.
                if (pieces[j].Range.Overlaps(range) && reported.Add(policy))
                {
                    yield return new Violation(
                        policy.Attribute.LocationOf("Layers"),
                        policy.Attribute.DisplayName,
                        range.Intersect(pieces[j].Range).ToString(),
                        pieces[j].Policy.Attribute.DisplayName);
                }
            }
        }
    }
}
