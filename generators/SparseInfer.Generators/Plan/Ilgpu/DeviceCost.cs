using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Policies.Dense;
using SparseInfer.Generators.Policies.Exact;
using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Plan.Ilgpu;

/// <summary>What a token shall find.</summary>
/// <param name="Mode">Which neurons are skipped.</param>
/// <param name="Sparsity">Share of a layer's neurons that are inactive, 0 to 1: predictors are taken to find these and no other.</param>
/// <param name="Position">The token's position: so many are in the key-value cache before it.</param>
internal sealed record TokenCase(CostMode Mode, double Sparsity, int Position);

/// <summary>The runtime's three modes.</summary>
internal enum CostMode
{
    Dense,
    Exact,
    Predicted,
}

/// <summary>A part of what a token costs.</summary>
/// <param name="Bytes">Global memory read and written.</param>
internal sealed record CostPart(string Name, double Bytes, int Launches);

/// <summary>
/// What decoding one token costs on a GPU: modelled, never measured. Bytes are counted from the plan; each is taken to come from memory
/// once, whatever the caches keep. docs/gpu-cost-model.md has the formula.
/// </summary>
/// <param name="Device">The device that time is told for.</param>
/// <param name="Parts">None twice.</param>
internal sealed record DeviceCost(DeviceTarget Device, IReadOnlyList<CostPart> Parts)
{
    /// <summary>
    /// Share of a memory's peak bandwidth that kernels get. Derived: a simulated Orin-like device (Accel-Sim/GPGPU-Sim 4.2, 16
    /// multiprocessors, 1300 MHz, 205 GB/s) takes 92,417 cycles for predict-and-gate of 1024 dense rows of 4096 F16, 5000 of them launch:
    /// 8.9 MB in 67.2 us are 133 GB/s.
    /// </summary>
    public const double BandwidthEfficiency = 0.65;

    /// <summary>Microseconds of a launch. Derived: what the same simulation charges, 5000 cycles at 1300 MHz.</summary>
    public const double LaunchMicroseconds = 5000 / 1300.0;

    public double Bytes => Parts.Sum(part => part.Bytes);

    public int Launches => Parts.Sum(part => part.Launches);

    /// <summary>Microseconds that moving the bytes takes.</summary>
    public double MemoryMicroseconds => Bytes / (Device.GigabytesPerSecond * BandwidthEfficiency * 1e3);

    public double OverheadMicroseconds => Launches * LaunchMicroseconds;

    /// <summary>Microseconds of a token.</summary>
    public double Microseconds => MemoryMicroseconds + OverheadMicroseconds;

    /// <summary>Counts one token of a plan, all matrices in the first declared weight type.</summary>
    public static DeviceCost Of(IlgpuDecoderPlan plan, TokenCase token)
    {
        ModelSpec spec = plan.Spec;
        WeightType type = spec.Weights[0];
        IlgpuFeedForwardPlan feedForward = IlgpuFeedForwardPlan.Of(spec.FeedForward, type, plan.Target);
        int layers = spec.Layers;
        double row = RowPlan.Of(type, spec.Hidden).Bytes;
        double vector = plan.Shape.PaddedHidden * 4.0;
        (double neurons, double signs) = FeedForwardBytes(plan, feedForward, token);

        // Keys and values once, for query heads that share them come together; what splits leave is written and read back.
        int splits = (token.Position + IlgpuDecoderPlan.SplitPositions) / IlgpuDecoderPlan.SplitPositions;
        double cached = (token.Position + 2.0) * plan.CachedBytes / layers;
        double split = 2.0 * splits * spec.Attention.Heads * (plan.CachedHead + 2) * 4;
        return new(plan.Target,
        [
            new("embedding", row + (3 * vector), 1),
            new("attention weights", (double)layers * DeviceFootprint.AttentionBytes(plan, type), 2 * layers),
            new("key-value cache", layers * (cached + split), 2 * layers),
            new("feed-forward weights", neurons, layers),
            new("predictor signs", signs, 0),
            new("partial sums", layers * 2.0 * feedForward.Slices * feedForward.Row.Columns * 4, layers),

            // The residual stream is read and written, weights read, the result written: twice a layer, and once what is added.
            new("norms", layers * 9 * vector, layers),
            new("output head", (spec.Vocabulary * row) + (2.0 * spec.Vocabulary * 4), 2),
        ]);
    }

    /// <summary>Rows of all layers that are read, and signs.</summary>
    private static (double Neurons, double Signs) FeedForwardBytes(IlgpuDecoderPlan plan, IlgpuFeedForwardPlan feedForward, TokenCase token)
    {
        double neurons = 0;
        double signs = 0;
        double matrix = (double)feedForward.Intermediate * feedForward.Row.Bytes;
        foreach ((IlgpuKernelEmitter kernel, int layers) in Kernels(plan.Spec, feedForward, token.Mode))
        {
            int matrices = kernel.Signs(feedForward).Count;
            double kept = 1 - token.Sparsity;
            double first = matrices > 0 ? kept : 1;

            // dReLU: either factor ends a neuron, but only the gate's is known before up is read.
            double afterGate = !kernel.Skips ? 1
                : feedForward.Spec.Activation == Activation.DRelu && matrices == 0 ? Math.Sqrt(kept)
                : kept;
            double down = kernel.Skips ? kept : 1;
            neurons += layers * matrix * (first + (feedForward.Spec.Gated ? afterGate : 0) + down);
            signs += (double)layers * matrices * feedForward.Intermediate * feedForward.SignWords * 16;
        }

        return (neurons, signs);
    }

    /// <summary>Which fused kernels a token launches, and in how many layers.</summary>
    public static IEnumerable<(IlgpuKernelEmitter Kernel, int Layers)> Kernels(
        ModelSpec spec, IlgpuFeedForwardPlan plan, CostMode mode) => mode switch
        {
            CostMode.Predicted => spec.Policies
                .GroupBy(policy => PolicyRegistry.For(policy.Policy).Ilgpu)
                .Select(group => (group.Key, group.Sum(policy => policy.Last - policy.First + 1))),
            CostMode.Exact when plan.Shape.HasZeros => [(PolicyRegistry.For(new ExactSpec()).Ilgpu, spec.Layers)],
            _ => [(PolicyRegistry.For(new DenseSpec()).Ilgpu, spec.Layers)],
        };
}
