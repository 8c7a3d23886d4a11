using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Exact;

internal sealed class ExactCpuKernel : SkippingKernelEmitter
{
    public override string MethodName => "Exact";

    public override string Describe(PolicySpec spec) => "exact: skips up and down where the activation is zero";

    public override string Summary(FeedForwardPlan plan) =>
        $"Exact sparsity: every row of {plan.First} is read; a neuron whose activation is zero is spared what follows. "
        + "The same bits as Dense.";

    public override string Keep(string activation) => $"{activation} > 0f";
}
