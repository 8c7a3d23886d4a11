namespace SparseInfer.Generators.Ilgpu;

internal sealed class ExactIlgpuKernel() : IlgpuKernelEmitter("Exact")
{
    public override string Summary(IlgpuFeedForwardPlan plan) =>
        $"Exact sparsity: every row of {plan.Shape.First} is read; a neuron whose activation is zero is spared what follows. "
        + "The same bits as Dense.";
}
