using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>How the feed-forward of one shape and weight type is computed on a CPU. A pure function of the declaration.</summary>
/// <param name="BlockNeurons">Neurons predicted before their gate rows are read.</param>
/// <param name="Slices">
/// Slices of the neurons, for the down product: what workers share, and part of the order in which sums run. A property of the shape alone.
/// </param>
/// <param name="Tuning">What was measured to suit the weight type.</param>
internal sealed record FeedForwardPlan(KernelShape Shape, int BlockNeurons, int Slices, KernelTuning Tuning)
{
    /// <summary>Most slices of a layer's neurons: 1, 2, 3, 4, 6, 8, 12 or 24 workers get as many each.</summary>
    private const int MaxSlices = 24;

    /// <summary>Neurons that are worth a partial sum of their own.</summary>
    private const int MinSlice = 64;

    public FeedForwardSpec Spec => Shape.Spec;

    public WeightType Weights => Shape.Weights;

    public int Hidden => Shape.Hidden;

    public int Intermediate => Shape.Intermediate;

    public int PaddedHidden => Shape.PaddedHidden;

    public int PaddedIntermediate => Shape.PaddedIntermediate;

    public int InputMatrices => Shape.InputMatrices;

    public string First => Shape.First;

    public bool HasZeros => Shape.HasZeros;

    public string ClassName => Shape.ClassName;

    /// <summary>Bytes of one neuron in gate, up, or (stored neuron-major) down.</summary>
    public long RowBytes => Format.Of(Weights).Bytes(PaddedHidden);

    public static FeedForwardPlan Of(KernelShape shape)
    {
        KernelTuning tuning = Format.Of(shape.Weights).Tuning;
        return new(
            shape,
            Math.Min(tuning.BlockNeurons, shape.PaddedIntermediate),
            Math.Min(MaxSlices, (shape.Intermediate + MinSlice - 1) / MinSlice),
            tuning);
    }
}
