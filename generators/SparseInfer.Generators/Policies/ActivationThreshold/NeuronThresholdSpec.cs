using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>A threshold for each neuron, from a file (CHESS).</summary>
internal sealed record NeuronThresholdSpec : PolicySpec, IPhasePolicy, ICpuPolicy, IIlgpuPolicy
{
    /// <summary>What its kernels are called.</summary>
    public const string Kernel = "NeuronThreshold";

    public const string KernelSummary =
        "A threshold for each neuron (CHESS, arXiv 2409.01366): a neuron goes on only where |activation| is larger than its own.";

    private static readonly NeuronThresholdCpuKernel CpuKernel = new();

    private static readonly NeuronThresholdIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => "thresholds";

    public override string Describe() => "activation thresholds of each neuron, from a file: skips up and down where |activation| is not larger";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    // Nothing is computed before: kernels read the file's vector.
    PolicyPhase IPhasePolicy.Before(Operation site, Dimensions sizes) => new("", default, default) { Vectors = new[] { Thresholds(sizes.Intermediate) }.ToEquatableArray() };

    /// <summary>What kernels read of the file.</summary>
    public static IReadOnlyList<Tensor> VectorsOf(KernelShape shape) => [Thresholds(new Dimension("Intermediate", shape.Intermediate))];

    private static Tensor Thresholds(Dimension intermediate) =>
        Tensor.OfLayer(TensorRole.Bias, "NeuronThresholds", "ffn_threshold", "mlp.threshold", intermediate);
}

internal sealed class NeuronThresholdCpuKernel() : SkippingKernelEmitter(NeuronThresholdSpec.Kernel)
{
    public override string Summary(FeedForwardPlan plan) => NeuronThresholdSpec.KernelSummary;

    public override IReadOnlyList<Tensor> Vectors(KernelShape shape) => NeuronThresholdSpec.VectorsOf(shape);

    public override string Keep(string activation) => throw new NotSupportedException("A neuron has a threshold of its own.");

    public override string Keep(string activation, string neuron) => $"MathF.Abs({activation}) > Unsafe.Add(ref neuronThresholds, {neuron})";
}

internal sealed class NeuronThresholdIlgpuKernel() : IlgpuKernelEmitter(NeuronThresholdSpec.Kernel)
{
    public override string Summary(IlgpuFeedForwardPlan plan) => NeuronThresholdSpec.KernelSummary;

    public override IReadOnlyList<Tensor> Vectors(KernelShape shape) => NeuronThresholdSpec.VectorsOf(shape);

    public override string Keep(string activation, string neuron) => $"MathF.Abs({activation}) > neuronThresholds[{neuron}]";
}
