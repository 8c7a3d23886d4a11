using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Vocabulary;

/// <summary>A predictor of words reads less than the head that it spares.</summary>
internal sealed class VocabularyRankRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0070",
        "Rank of VocabularyPredictor is too large",
        "Rank = {0} of [VocabularyPredictor] makes two matrices of {1} weights, and the head that they shall spare has {2}; write the file's rank, {3} or less",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0070.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        long sides = (long)declaration.Hidden + declaration.Vocabulary;
        long head = (long)declaration.Hidden * declaration.Vocabulary;
        return declaration is { Hidden: > 0 and <= DeclaredSize.WidthLimit, Vocabulary: > 0 and <= DeclaredSize.VocabularyLimit }
            ? from policy in declaration.Policies
              where policy.Policy is VocabularyPolicy
              let rank = policy.Attribute.Value("Rank", 0)
              where rank > 0 && rank * sides >= head && head > sides
              select new Violation(policy.Attribute.LocationOf("Rank"), Show(rank), Show(rank * sides), Show(head), Show((head - 1) / sides))
            : [];
    }
}
