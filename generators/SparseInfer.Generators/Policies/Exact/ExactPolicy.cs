using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.Exact;

internal sealed record ExactSpec : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => "exact";

    public override string Describe() => "exact: skips up and down where the activation is zero";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernelEmitter.Set.Exact;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernelEmitter.Set.Exact;
}

internal sealed class ExactPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.ExactSparsityAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new ExactNeedsZerosRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new ExactSpec();

    /// <summary>Where there are zeros to skip.</summary>
    public override PolicySpec? DefaultFor(Activation activation) => activation.HasExactZeros() ? new ExactSpec() : null;
}
