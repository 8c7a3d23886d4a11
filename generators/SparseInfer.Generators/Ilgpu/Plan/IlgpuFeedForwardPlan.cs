using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How the feed-forward of one shape and weight type is computed on a GPU: a group takes a slice of the neurons from prediction to its
/// partial sum of down. A pure function of the declaration.
/// </summary>
/// <param name="Target">The device that was planned for.</param>
/// <param name="Threads">Threads of a group; a multiple of 32.</param>
/// <param name="WarpNeurons">Neurons of the slice that one warp predicts; a multiple of <see cref="PredictedAtOnce"/>, at most 32.</param>
internal sealed record IlgpuFeedForwardPlan(KernelShape Shape, DeviceTarget Target, int Threads, int WarpNeurons)
{
    /// <summary>Sign rows whose loads are in flight together.</summary>
    public const int PredictedAtOnce = 4;

    /// <summary>Neurons that share a row of down's scales in the block types.</summary>
    public const int BlockNeurons = 32;

    private const int MaxJoinWarps = 16;

    private const int MinJoined = 4;

    /// <summary>
    /// Whether a norm stands between the neurons and down. Their weights are factors of the neurons; what all of them are scaled by is known once
    /// every group is done, and is a factor of the sum.
    /// </summary>
    public bool NormsNeurons { get; init; }

    /// <summary>
    /// How many of a layer's experts compute a token, each of this shape: then a launch has groups for each of them, and these take the expert's part of
    /// the layer's weights. 0: the layer has one feed-forward.
    /// </summary>
    public int Experts { get; init; }

    public bool OfExperts => Experts > 0;

    /// <summary>Feed-forwards of a launch, for one token.</summary>
    private int Computed => Math.Max(1, Experts);

    public FeedForwardSpec Spec => Shape.Spec;

    public WeightType Weights => Shape.Weights;

    public int Hidden => Shape.Hidden;

    public int Intermediate => Shape.Intermediate;

    public RowPlan Row => RowPlan.Of(Weights, Hidden);

    public int Warps => Threads / RowPlan.Lanes;

    public int SliceNeurons => Warps * WarpNeurons;

    /// <summary>Groups of the launch, and partial sums that the next one adds up.</summary>
    public int Slices => (Intermediate + SliceNeurons - 1) / SliceNeurons;

    /// <summary>Partial sums that a warp adds up; the last may have fewer.</summary>
    public int JoinSlices
    {
        get
        {
            int warps = Math.Min(MaxJoinWarps, (Slices + MinJoined - 1) / MinJoined);
            return (Slices + warps - 1) / warps;
        }
    }

    /// <summary>Warps of a group that adds up the partial sums: a range of them each.</summary>
    public int JoinWarps => (Slices + JoinSlices - 1) / JoinSlices;

    /// <summary>Groups of the launch that adds up the partial sums: 32 quads of columns each.</summary>
    public int JoinGroups => ((Row.Columns / 4) + RowPlan.Lanes - 1) / RowPlan.Lanes;

    /// <summary>What all groups leave for it.</summary>
    public double PartialBytes => (double)Computed * Slices * Row.Columns * 4;

    /// <summary>Groups that a multiprocessor holds at a time.</summary>
    public int Resident => Occupancy.Groups(Target, Threads, SharedBytes, RegisterTable.Registers(KernelKind.Fused, Weights, Hidden));

    /// <summary>Time of the busiest multiprocessor over the time if all had the same work and enough of it; 1 at best.</summary>
    public double Imbalance =>
        Occupancy.Waves(Computed * Slices, Target.Multiprocessors, Resident, Warps) * SliceNeurons * Target.Multiprocessors / (Computed * Intermediate);

    /// <summary>Whether the last group's slice is as full as the others.</summary>
    public bool IsExact => Slices * SliceNeurons == Intermediate;

    /// <summary>Loads of a row of down that a thread makes.</summary>
    public int DownSteps => (Row.Words + Threads - 1) / Threads;

    /// <summary>Rows of down whose loads are in flight together.</summary>
    public const int DownRowsAtOnce = 4;

    /// <summary>16-byte loads of one row of signs.</summary>
    public int SignWords => (Hidden + 127) / 128;

    public int SignSteps => (SignWords + RowPlan.Lanes - 1) / RowPlan.Lanes;

    /// <summary>
    /// Elements of 16 bytes that down's scales take in a block type: neurons share them, 32 or as many as a block has columns.
    /// </summary>
    public int DownScaleWords
    {
        get
        {
            int sharing = Math.Max(BlockNeurons, Row.Format.BlockColumns);
            return (Intermediate + sharing - 1) / sharing * Row.Columns * Row.Format.ScaleHalves / 8;
        }
    }

    /// <summary>Blocks of neurons of a slice, where the weight type has them: whole ones, so that a slice's activations are rounded as the CPU's are.</summary>
    public int SliceBlocks => SliceNeurons / BlockNeurons;

    /// <summary>
    /// Shared memory for lists: a word for each warp, a number and a value for each neuron of the slice, and its activation where a norm sums their
    /// squares; in a block type also a row and an activation's bytes for each neuron of its blocks, and the blocks' steps and sizes.
    /// </summary>
    public int ListBytes => (Warps * 4) + (SliceNeurons * (NormsNeurons ? 12 : 8))
        + (Row.Format.Blocks is { } blocks ? SliceBlocks * ((BlockNeurons * (4 + blocks.RoundedBytes)) + 8 + (4 * blocks.NeuronParts)) : 0);

    /// <summary>Whether the input fits in shared memory beside the lists; else it is read from the caches.</summary>
    public bool SharesInput => Row.InputBytes + ListBytes <= DeviceTable.MaxSharedBytes;

    /// <summary>
    /// Whether several tokens are computed together with the bits that each has alone: not where a block type's input is too wide to be rounded in
    /// shared memory, for then it is not rounded at all.
    /// </summary>
    public bool ComputesTogether => !Row.IsBlock || SharesInput;

    public int SharedBytes => ListBytes + (SharesInput ? Row.InputBytes : 0);

    public string ClassName =>
        Shape.ClassName + (NormsNeurons ? "_Normed" : "") + (OfExperts ? $"_{Experts}Experts" : "") + "_Ilgpu" + (Target == DeviceTable.Default ? "" : "_" + Target.Name.Replace('-', '_'));

    public static IlgpuFeedForwardPlan Of(KernelShape shape, DeviceTarget target, bool normsNeurons = false, int experts = 0) =>
        SlicePlanner.Choose(shape, target, normsNeurons, experts);

    public static IlgpuFeedForwardPlan Of(FeedForwardSpec spec, WeightType weights, DeviceTarget target, bool normsNeurons = false, int experts = 0) =>
        Of(new(spec, weights), target, normsNeurons, experts);
}
