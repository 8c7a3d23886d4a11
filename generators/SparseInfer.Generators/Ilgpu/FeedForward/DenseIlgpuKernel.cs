namespace SparseInfer.Generators.Ilgpu;

internal sealed class DenseIlgpuKernel() : IlgpuKernelEmitter("Dense")
{
    public override bool Skips => false;

    public override string Summary(IlgpuFeedForwardPlan plan) => "Computes every neuron: the reference that the other modes are compared with.";
}
