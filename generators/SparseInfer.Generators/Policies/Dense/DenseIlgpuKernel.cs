using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.Dense;

internal sealed class DenseIlgpuKernel(DenseCpuKernel twin) : IlgpuKernelEmitter(twin)
{
    public override bool Skips => false;

    public override string Summary(IlgpuFeedForwardPlan plan) => "Computes every neuron: the reference that the other modes are compared with.";
}
