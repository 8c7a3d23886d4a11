using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

internal sealed class ActivationThresholdIlgpuKernel()
    : IlgpuKernelEmitter(ActivationThresholdPolicy.Kernel, ActivationThresholdPolicy.Threshold)
{
    public override string Summary(IlgpuFeedForwardPlan plan) =>
        "Activation threshold (CATS, arXiv 2404.08763): a neuron goes on only where |activation| &gt;= threshold.";

    public override string Keep(string activation) => $"MathF.Abs({activation}) >= threshold";
}
