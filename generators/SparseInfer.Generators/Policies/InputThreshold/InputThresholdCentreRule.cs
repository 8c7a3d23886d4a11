using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>Centres are of what a threshold leaves out, and so are norms.</summary>
internal sealed class InputThresholdCentreRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0081",
        "Centre or column norms of InputThreshold have no effect",
        "{0} of [InputThreshold] {1}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0081.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        // A profile makes one attribute of each layer: what is wrong with it is said once.
        foreach (DeclaredAttribute[] layers in declaration.Policies.Where(policy => policy.Policy is InputThresholdPolicy)
            .Select(policy => policy.Attribute).GroupBy(attribute => attribute.Syntax).Select(group => group.ToArray()))
        {
            foreach (string use in InputThresholdPolicy.Uses)
            {
                string name = InputThresholdPolicy.CentreOf(use);
                if (layers.FirstOrDefault(attribute => !(System.Math.Abs(attribute.Value(name, 0f)) <= float.MaxValue)) is { } infinite)
                {
                    yield return new Violation(infinite.LocationOf(name), name, $"must be finite, but is {infinite.Decimal(name, "")}; write the calibrated one, or leave it out");
                }
                else if (layers.FirstOrDefault(attribute => attribute.Value(name, 0f) != 0f && attribute.Value(use, 0f) == 0f) is { } alone)
                {
                    yield return new Violation(alone.LocationOf(name), name, $"is the centre of what '{use}' leaves out, which is not above 0; write '{use} = 0.1f' with the calibrated one, or remove it");
                }
            }

            if (layers.FirstOrDefault(attribute => attribute.Value("ColumnNorms", false)
                && attribute.Value("Heads", 0f) == 0f && attribute.Value("FeedForward", 0f) == 0f) is { } none)
            {
                yield return new Violation(none.LocationOf("ColumnNorms"), "ColumnNorms", "is for what 'Heads' and 'FeedForward' leave out, and neither is above 0; write one of them, or remove it");
            }
        }
    }
}
