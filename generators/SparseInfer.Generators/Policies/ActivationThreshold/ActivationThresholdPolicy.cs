using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
internal sealed record ActivationThresholdSpec(string Threshold) : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    private static readonly ActivationThresholdCpuKernel CpuKernel = new();

    private static readonly ActivationThresholdIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"threshold {Threshold}";

    public override string Describe() => $"activation threshold {Threshold}: skips up and down where |activation| is smaller";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Literal.OfDecimal(Threshold)];
}

internal sealed class ActivationThresholdPolicy : SparsityPolicy
{
    /// <summary>What its kernels are called, and what they take.</summary>
    public const string Kernel = "ActivationThreshold";

    public static readonly PolicyParameter Threshold = new("float", "threshold");

    public override string AttributeName => "SparseInfer.ActivationThresholdAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
    [
        new ActivationThresholdValueRule(), new ActivationThresholdEffectRule(), new ActivationThresholdOnZerosRule(), new NeuronThresholdRule(),
    ];

    public override IReadOnlyList<string> Strengths { get; } = ["Threshold"];

    public override PolicySpec Parse(DeclaredAttribute attribute) =>
        IsPerNeuron(attribute) ? new NeuronThresholdSpec() : new ActivationThresholdSpec(attribute.Decimal("Threshold", "0"));

    /// <summary>Whether thresholds are in a file, one for each neuron.</summary>
    public static bool IsPerNeuron(DeclaredAttribute attribute) => attribute.Value("PerNeuron", false);
}
