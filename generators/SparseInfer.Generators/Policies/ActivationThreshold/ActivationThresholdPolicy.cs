using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
internal sealed record ActivationThresholdSpec(string Threshold) : PolicySpec;

internal sealed class ActivationThresholdPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.ActivationThresholdAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
        [new ActivationThresholdValueRule(), new ActivationThresholdEffectRule(), new ActivationThresholdOnZerosRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new ActivationThresholdSpec(attribute.Decimal("Threshold", "0"));

    public override bool Owns(PolicySpec spec) => spec is ActivationThresholdSpec;

    public override string Label(PolicySpec spec) => $"threshold {((ActivationThresholdSpec)spec).Threshold}";

    public override CpuKernelEmitter Cpu { get; } = new ActivationThresholdCpuKernel();

    public override IlgpuKernelEmitter Ilgpu { get; } = new ActivationThresholdIlgpuKernel(new ActivationThresholdCpuKernel());
}
