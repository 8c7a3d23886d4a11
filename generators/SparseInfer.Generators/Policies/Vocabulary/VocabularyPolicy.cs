using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.Vocabulary;

/// <param name="Rank">Rows of the first matrix.</param>
/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
internal sealed record VocabularySpec(int Rank, string Threshold) : PolicySpec, IVocabularyPolicy
{
    internal override PolicySite Site => PolicySite.Vocabulary;

    public override string Label() => $"vocabulary {Rank}";

    public override string Describe() => $"words that score above {Threshold} by a predictor of rank {Rank}; the others' logits are minus infinity";

    WordChoice IVocabularyPolicy.Choose(Dimensions sizes)
    {
        var rank = Dimension.OfPolicy(Rank, "[VocabularyPredictor] Rank");
        Slot factors = new("VocabularyFactors", rank);
        Tensor Part(string field, string name, Dimension rows, Dimension columns, long first) =>
            new(TensorRole.Projection, field, $"lm_head_profiler.{name}.weight", $"model.lm_head_profiler.{name}.weight", rows, columns)
            {
                // SmallThinker's files have both in one tensor, the first before the second (PowerInfer, sparse_lmhead.cpp).
                Within = new("lm_head_profiler.weight", "model.lm_head_profiler.weight", first, (long)Rank * (sizes.Hidden.Size + sizes.Vocabulary.Size), "[VocabularyPredictor] Rank * (Hidden + Vocabulary)"),
            };
        return new(
            "Scores of all words: fc2 * fc1 * normed.",
            new Project(Stage.Logits, WorkUnit.Row, Part("VocabularyFirst", "fc1", rank, sizes.Hidden, 0), Slot.Normed, factors),
            new Project(Stage.Logits, WorkUnit.Word, Part("VocabularySecond", "fc2", sizes.Vocabulary, rank, (long)Rank * sizes.Hidden.Size), factors, Slot.Logits),
            Literal.OfDecimal(Threshold));
    }
}

internal sealed class VocabularyPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.VocabularyPredictorAttribute";

    public override PolicySite Site => PolicySite.Vocabulary;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new VocabularyRankRule(), new VocabularyThresholdRule()];

    public override IEnumerable<DeclaredSize> Sizes(DeclaredAttribute attribute) =>
        [new(attribute, "Rank", "factors", DeclaredSize.GpuWidthLimit, 256, IsRequired: true) { IsOfRows = true }];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new VocabularySpec(attribute.Value("Rank", 0), attribute.Decimal("Threshold", "0"));
}
