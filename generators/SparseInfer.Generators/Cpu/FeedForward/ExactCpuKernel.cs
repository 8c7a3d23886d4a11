namespace SparseInfer.Generators.Cpu;

internal sealed class ExactCpuKernel() : SkippingKernelEmitter("Exact")
{
    public override string Summary(FeedForwardPlan plan) =>
        $"Exact sparsity: every row of {plan.First} {(plan.NeedsAllGates ? "has been" : "is")} read; a neuron whose activation is zero is spared what follows. "
        + "The same bits as Dense.";

    public override string Keep(string activation) => $"{activation} > 0f";
}
