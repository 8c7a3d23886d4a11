using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.Exact;

internal sealed record ExactSpec : PolicySpec;

internal sealed class ExactPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.ExactSparsityAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new ExactNeedsZerosRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new ExactSpec();

    /// <summary>Where there are zeros to skip.</summary>
    public override PolicySpec? DefaultFor(Activation activation) => activation.HasExactZeros() ? new ExactSpec() : null;

    public override bool Owns(PolicySpec spec) => spec is ExactSpec;

    public override string Label(PolicySpec spec) => "exact";

    public override CpuKernelEmitter Cpu { get; } = new ExactCpuKernel();

    public override IlgpuKernelEmitter Ilgpu { get; } = new ExactIlgpuKernel(new ExactCpuKernel());
}
