using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.Exact;

internal sealed class ExactIlgpuKernel(ExactCpuKernel twin) : IlgpuKernelEmitter(twin)
{
    public override string Summary(IlgpuFeedForwardPlan plan) =>
        $"Exact sparsity: every row of {plan.Shape.First} is read; a neuron whose activation is zero is spared what follows. "
        + "The same bits as Dense.";
}
