using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Neurons are kept above a threshold, or the best of them: a share, or a number.</summary>
internal sealed class LowRankKeepRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0072",
        "What LowRankPredictor keeps is not clear",
        "{0} of [LowRankPredictor] {1}; write one of 'Threshold = 0' (scores from it on), 'Keep = 0.2f' (a share of the neurons, at most 1) "
            + "and 'Count = 2000' (a number of them, at most Intermediate)",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0072.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is LowRankPolicy
        let attribute = policy.Attribute
        let wrong = Wrong(attribute, declaration.Intermediate)
        where wrong is not null
        select new Violation(attribute.LocationOf(wrong.Value.Argument), wrong.Value.Argument, wrong.Value.What);

    private static (string Argument, string What)? Wrong(DeclaredAttribute attribute, int intermediate)
    {
        string[] set = [.. new[] { "Threshold", "Keep", "Count" }.Where(attribute.IsSet)];
        if (set.Length > 1)
        {
            return (set[1], $"is set beside {set[0]}");
        }

        int count = attribute.Value("Count", 0);
        return attribute.IsSet("Keep") && attribute.Value("Keep", 0f) is not (> 0f and <= 1f) ? ("Keep", $"is {attribute.Decimal("Keep", "")}")
            : attribute.IsSet("Count") && (count <= 0 || (count > intermediate && intermediate > 0)) ? ("Count", $"is {Show(count)}")
            : null;
    }
}
