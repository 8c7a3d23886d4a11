namespace SparseInfer.Generators.Policies;

/// <summary>All policies, in the order the documentation lists them.</summary>
internal static class PolicyRegistry
{
    public static readonly IReadOnlyList<SparsityPolicy> All =
    [
        new SignBit.SignBitPolicy(),
        new Exact.ExactPolicy(),
        new ActivationThreshold.ActivationThresholdPolicy(),
        new Dense.DensePolicy(),
    ];
}
