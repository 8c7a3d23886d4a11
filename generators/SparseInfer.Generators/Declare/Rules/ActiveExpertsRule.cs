using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A router chooses among the experts that there are, each once.</summary>
internal sealed class ActiveExpertsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0051",
        "More experts compute a token than there are",
        "Active is {0}, but [Experts] has Count = {1}, of which a token gets each at most once; write {2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0051.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Experts is { } experts && experts.Value("Count", 0) is > 0 and var count && experts.Value("Active", 0) is var active && active > count)
        {
            string instead = count == 1 ? "1" : $"a number from 1 to {Show(count)}";
            yield return new Violation(experts.LocationOf("Active"), Show(active), Show(count), instead);
        }
    }
}
