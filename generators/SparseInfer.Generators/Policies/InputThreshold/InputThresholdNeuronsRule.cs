using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>
/// Where gate and up have a row for each channel of their input, no neuron's rows can be left out: every neuron is computed. Experts have neither.
/// </summary>
internal sealed class InputThresholdNeuronsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0064",
        "InputThreshold contradicts what else is declared of the feed-forward",
        "{0} of [InputThreshold] {1}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0064.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        string[] others =
        [
            .. declaration.Policies.Where(policy => policy.Policy.Site == PolicySite.Neurons).Select(policy => policy.Policy)
                .DefaultIfEmpty(declaration.DefaultPolicy.Policy).Select(policy => policy.DisplayName).Where(name => name != "Dense").Distinct(),
        ];

        // A profile makes one attribute of each layer: what is wrong with it is said once.
        foreach (DeclaredAttribute[] layers in declaration.Policies.Where(policy => policy.Policy is InputThresholdPolicy)
            .Select(policy => policy.Attribute).GroupBy(attribute => attribute.Syntax).Select(group => group.ToArray()))
        {
            foreach (string use in new[] { "FeedForward", "Down" }.Where(use => layers.Any(attribute => attribute.Value(use, 0f) > 0)))
            {
                if (declaration.Experts is not null)
                {
                    yield return new Violation(layers[0].LocationOf(use), use, "has no effect on experts; leave it out, or remove [Experts]");
                }
                else if (use == "FeedForward" && others.Length > 0)
                {
                    yield return new Violation(
                        layers[0].LocationOf(use),
                        use,
                        $"computes every neuron, but [{others[0]}] leaves some out unread; write [Dense], and 'Down' for neurons that are small");
                }
            }

            const string Centre = "DownCentre";
            if (others.Length > 0 && declaration.Experts is null && layers.FirstOrDefault(attribute => attribute.Value(Centre, 0f) != 0f) is { } centred)
            {
                yield return new Violation(
                    centred.LocationOf(Centre), Centre, $"is what neurons lie around, but those that [{others[0]}] leaves out unread are 0; write [Dense], or remove it");
            }
        }
    }
}
