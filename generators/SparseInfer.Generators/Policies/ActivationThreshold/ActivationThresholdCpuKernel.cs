using SparseInfer.Generators.Cpu;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

internal sealed class ActivationThresholdCpuKernel()
    : SkippingKernelEmitter(ActivationThresholdPolicy.Kernel, ActivationThresholdPolicy.Threshold)
{
    public override string Summary(FeedForwardPlan plan) =>
        "Activation threshold (CATS, arXiv 2404.08763): a neuron goes on only where |activation| &gt;= threshold.";

    public override string Keep(string activation) => $"MathF.Abs({activation}) >= threshold";
}
