using SparseInfer.Generators.Declare;

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

    /// <summary>What a declaration without a policy means: the fastest that changes no result.</summary>
    public static PolicySpec Default(Activation activation) => activation.HasExactZeros() ? new Exact.ExactSpec() : new Dense.DenseSpec();

    /// <summary>The attribute that says so.</summary>
    public static string DefaultName(Activation activation) =>
        (activation.HasExactZeros() ? All.First(policy => policy is Exact.ExactPolicy) : All.First(policy => policy is Dense.DensePolicy)).DisplayName;
}
