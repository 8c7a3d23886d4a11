using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.Dense;

internal sealed record DenseSpec : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => "dense";

    public override string Describe() => "dense: computes every neuron";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernelEmitter.Set.Dense;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernelEmitter.Set.Dense;
}

internal sealed class DensePolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.DenseAttribute";

    public override PolicySpec Parse(DeclaredAttribute attribute) => new DenseSpec();

    /// <summary>Where nothing can be skipped without changing a result.</summary>
    public override PolicySpec? DefaultFor(Activation activation) => activation.HasExactZeros() ? null : new DenseSpec();
}
