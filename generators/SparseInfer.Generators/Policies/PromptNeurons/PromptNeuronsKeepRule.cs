using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.PromptNeurons;

/// <summary>Some of the neurons are kept, or all.</summary>
internal sealed class PromptNeuronsKeepRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0076",
        "Keep of PromptNeurons is no share",
        "Keep of [PromptNeurons] is the share of neurons that a sequence's prompts choose, above 0 and at most 1, but is {0}; write half of them as 'Keep = 0.5f'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0076.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is PromptNeuronsPolicy && policy.Attribute.Value("Keep", 0.5f) is not (> 0f and <= 1f)
        select new Violation(policy.Attribute.LocationOf("Keep"), policy.Attribute.Decimal("Keep", "0.5"));
}
