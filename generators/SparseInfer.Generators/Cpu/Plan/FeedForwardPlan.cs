using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>How the feed-forward of one shape and weight type is computed on a CPU. A pure function of the declaration.</summary>
/// <param name="Downs">Types that down may be stored in; the last is the shape's own.</param>
/// <param name="BlockNeurons">Neurons predicted before their gate rows are read.</param>
/// <param name="SharedNeurons">The same where several tokens go through a block one after the other, while its rows are in the second-level cache.</param>
/// <param name="Slices">
/// Slices of the neurons, for the down product: what workers share, and part of the order in which sums run. A property of the shape alone.
/// </param>
/// <param name="Tuning">What was measured to suit the weight type.</param>
internal sealed record FeedForwardPlan(
    KernelShape Shape, EquatableArray<WeightType> Downs, int BlockNeurons, int SharedNeurons, int Slices, KernelTuning Tuning)
{
    /// <summary>Most slices of a layer's neurons: 1, 2, 3, 4, 6, 8, 12 or 24 workers get as many each.</summary>
    private const int MaxSlices = 24;

    /// <summary>Neurons that are worth a partial sum of their own.</summary>
    private const int MinSlice = 64;

    /// <summary>Bytes of gate and up that several tokens share: a second-level cache's; those of neurons that no token wants are not read.</summary>
    private const long SharedBytes = 1 << 20;

    public FeedForwardSpec Spec => Shape.Spec;

    public WeightType Weights => Shape.Weights;

    public int Hidden => Shape.Hidden;

    public int Intermediate => Shape.Intermediate;

    public int PaddedHidden => Shape.PaddedHidden;

    public int PaddedIntermediate => Shape.PaddedIntermediate;

    public int InputMatrices => Shape.InputMatrices;

    public string First => Shape.First;

    public bool HasZeros => Shape.HasZeros;

    public bool NeedsAllGates => Shape.NeedsAllGates;

    public string ClassName => Shape.ClassName;

    /// <summary>Bytes of one neuron in gate, up, or (stored neuron-major) down of the same type.</summary>
    public long RowBytes => BytesIn(Weights);

    public bool HasSeveralDowns => Downs.Count > 1;

    /// <summary>The same in another type.</summary>
    public long BytesIn(WeightType type) => Format.Of(type).Bytes(PaddedHidden);

    /// <param name="downs">Types that down may be stored in, in any order.</param>
    public static FeedForwardPlan Of(KernelShape shape, IEnumerable<WeightType> downs)
    {
        KernelTuning tuning = Format.Of(shape.Weights).Tuning;
        int block = Math.Min(tuning.BlockNeurons, shape.PaddedIntermediate);
        long shared = SharedBytes / (shape.InputMatrices * Format.Of(shape.Weights).Bytes(shape.PaddedHidden)) / WeightLayout.ColumnMultiple * WeightLayout.ColumnMultiple;
        return new(
            shape,
            downs.Where(type => type != shape.Weights).Distinct().OrderBy(type => type).Append(shape.Weights).ToEquatableArray(),
            block,
            (int)Math.Min(block, Math.Max(WeightLayout.ColumnMultiple, shared)),
            SlicesOf(shape.Intermediate),
            tuning);
    }

    /// <summary>Slices of so many neurons, or of input channels that are summed as neurons are in down.</summary>
    public static int SlicesOf(int neurons) => Math.Min(MaxSlices, (neurons + MinSlice - 1) / MinSlice);
}
