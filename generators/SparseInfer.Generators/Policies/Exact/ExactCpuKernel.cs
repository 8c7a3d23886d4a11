using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Policies.Exact;

internal sealed class ExactCpuKernel : SkippingKernelEmitter
{
    public override string MethodName => "Exact";

    public override string Describe(PolicySpec spec) => "exact: skips up and down where the activation is zero";

    public override string Summary(FeedForwardPlan plan) =>
        "Exact sparsity: every first-matrix row is read; a neuron whose activation is zero is spared what follows. Bit-identical to Dense.";

    public override string Keep(string activation) => $"{activation} > 0f";
}
