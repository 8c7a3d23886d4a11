using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies.ActivationThreshold;
using SparseInfer.Generators.Policies.Dense;
using SparseInfer.Generators.Policies.Exact;
using SparseInfer.Generators.Policies.HeadSparsity;
using SparseInfer.Generators.Policies.InputThreshold;
using SparseInfer.Generators.Policies.LowRank;
using SparseInfer.Generators.Policies.PromptNeurons;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Policies.SignMagnitude;
using SparseInfer.Generators.Policies.Vocabulary;

namespace SparseInfer.Generators;

/// <summary>All policies, in the order the documentation lists them.</summary>
internal static class PolicyRegistry
{
    public static readonly IReadOnlyList<SparsityPolicy> All =
    [
        new SignBitPolicy(),
        new SignMagnitudePolicy(),
        new LowRankPolicy(),
        new TruncatedSvdPolicy(),
        new ExactPolicy(),
        new ActivationThresholdPolicy(),
        new PromptNeuronsPolicy(),
        new InputThresholdPolicy(),
        new HeadSparsityPolicy(),
        new DensePolicy(),
        new VocabularyPolicy(),
    ];
}
