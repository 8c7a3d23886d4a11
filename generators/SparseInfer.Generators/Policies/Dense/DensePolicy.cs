using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Dense;

internal sealed record DenseSpec : PolicySpec;

internal sealed class DensePolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.DenseAttribute";

    public override PolicySpec Parse(DeclaredAttribute attribute) => new DenseSpec();

    /// <summary>Where nothing can be skipped without changing a result.</summary>
    public override PolicySpec? DefaultFor(Activation activation) => activation.HasExactZeros() ? null : new DenseSpec();

    public override bool Owns(PolicySpec spec) => spec is DenseSpec;

    public override string Label(PolicySpec spec) => "dense";

    public override CpuKernelEmitter Cpu { get; } = new DenseCpuKernel();

    public override IlgpuKernelEmitter Ilgpu { get; } = new DenseIlgpuKernel(new DenseCpuKernel());
}
