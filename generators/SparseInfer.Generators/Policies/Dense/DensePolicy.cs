using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Dense;

internal sealed record DenseSpec : PolicySpec;

internal sealed class DensePolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.DenseAttribute";

    public override PolicySpec Parse(DeclaredAttribute attribute) => new DenseSpec();

    public override bool Owns(PolicySpec spec) => spec is DenseSpec;

    public override string Label(PolicySpec spec) => "dense";

    public override CpuKernelEmitter Cpu { get; } = new DenseCpuKernel();

    public override IlgpuKernelEmitter Ilgpu { get; } = new DenseIlgpuKernel(new DenseCpuKernel());
}
