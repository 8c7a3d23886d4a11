using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How a whole decoder is computed on a GPU. A pure function of the declaration.</summary>
/// <param name="Target">The device that was planned for.</param>
/// <param name="FeedForwards">The feed-forward, in each weight type: searched for once.</param>
internal sealed record IlgpuDecoderPlan(DecoderShape Shape, DeviceTarget Target, EquatableArray<IlgpuFeedForwardPlan> FeedForwards)
{
    /// <summary>Threads of a group that goes through rows of weights.</summary>
    public const int RowThreads = 256;

    public const int RowWarps = RowThreads / RowPlan.Lanes;

    /// <summary>Rows, or pairs of rows, that a warp takes one after the other: the group's copy of the input serves them all.</summary>
    public const int RowsPerWarp = 4;

    /// <summary>Threads of a group that computes attention.</summary>
    public const int AttentionThreads = 128;

    /// <summary>Positions that one group of attention takes: longer contexts are split.</summary>
    public const int SplitPositions = 256;

    /// <summary>Prompt tokens that go through a layer together.</summary>
    public int Batch => Math.Min(64, Spec.Context);

    /// <summary>What a group of a prompt's matrix products computes.</summary>
    public ProductTile ProductTile => ProductTile.Of(Spec, Target, Batch);

    /// <summary>What a group computes of them with tensor cores.</summary>
    public MatrixTile MatrixTile => MatrixTile.Of(Spec, Target, Batch);

    /// <summary>
    /// Whether prompts have kernels for tensor cores beside the others: halves are exact there, other types are not; and a sum of a single step
    /// of theirs has nothing to gain.
    /// </summary>
    public bool HasMatrixKernels => Target.HasTensorCores && PromptProducts.Any(product => OnTensorCores(product.Type))
        && ProductWidths.Append(Spec.FeedForward.Intermediate).All(columns => columns > MatrixTile.Side);

    /// <summary>Columns of the matrices that are dotted with an input: those of policies come after the decoder's own.</summary>
    public IEnumerable<int> ProductColumns => new[] { Spec.Hidden, Shape.QueryWidth }
        .Concat(ModelProgram.Of(Spec).Layer.OfType<Project>().Where(project => project is { Policy: not null, IsOfEachExpert: false }).Select(project => project.Matrix.Columns!.Size))
        .Distinct();

    /// <summary>The same, padded: each has kernels of its own.</summary>
    public IEnumerable<int> ProductWidths => ProductColumns.Select(WeightLayout.Pad).Distinct();

    /// <summary>
    /// Weight types of the matrices that a prompt is multiplied with, and each type's padded widths: down apart, and experts, all matrices of layers,
    /// and the head.
    /// </summary>
    public IEnumerable<(WeightType Type, IReadOnlyList<int> Widths)> PromptProducts =>
        Widths([.. Projected, .. HasExperts || InputChannels.AreOfNeurons(Spec) ? [] : ModelProgram.Of(Spec).Layer.OfType<Neurons>().SelectMany(neurons => neurons.Matrices)]);

    /// <summary>The same of what tokens of several sequences are multiplied with: feed-forwards apart, and with what chooses words.</summary>
    public IEnumerable<(WeightType Type, IReadOnlyList<int> Widths)> TogetherProducts => Widths([.. Projected, .. ChoosingWords]);

    /// <summary>Columns of all matrices that tokens of several sequences are multiplied with.</summary>
    public IEnumerable<int> TogetherColumns => ProductColumns.Concat(ChoosingWords.Select(matrix => matrix.Columns!.Size)).Distinct();

    /// <summary>Matrices by which words are chosen: prompts take a token at a time there.</summary>
    private IEnumerable<Tensor> ChoosingWords => ModelProgram.Of(Spec).Words?.Tensors ?? [];

    /// <summary>Whether tensor cores multiply a type.</summary>
    public static bool OnTensorCores(WeightType type) => Format.Of(type).IsTensorCoreOperand;

    /// <summary>What experts have of a policy has kernels of its own, as they have, and what has a row for each channel too.</summary>
    private IEnumerable<Tensor> Projected => ModelProgram.Of(Spec).Layer.OfType<Project>().Where(project => !project.IsOfEachExpert)
        .Select(project => project.Matrix).Where(matrix => ByChannel(matrix) is null).Append(ModelProgram.Of(Spec).Head.Matrix);

    /// <summary>Matrices that have a row for each channel of their input, and how they are multiplied: those of an input together.</summary>
    public IReadOnlyList<ChannelPlan> Channels => [.. ChannelPlan.Of(Spec, Target)];

    /// <summary>How a matrix is multiplied that has a row for each channel; null: it has one for each output.</summary>
    public ChannelPlan? ByChannel(Tensor matrix) => Channels.FirstOrDefault(channels => channels.Matrices.Contains(matrix));

    private IEnumerable<(WeightType Type, IReadOnlyList<int> Widths)> Widths(IReadOnlyList<Tensor> matrices) =>
        from type in Spec.Weights
        let columns = matrices.Where(matrix => matrix.Types(Spec).Contains(type)).Select(matrix => WeightLayout.Pad(matrix.Columns!.Size)).ToList()
        where columns.Count > 0
        select (type, (IReadOnlyList<int>)[.. TogetherColumns.Select(WeightLayout.Pad).Distinct().Where(columns.Contains)]);

    public ModelSpec Spec => Shape.Spec;

    /// <summary>Four columns of the residual stream each.</summary>
    public int HiddenQuads => Shape.PaddedHidden / 4;

    /// <summary>Threads of the one group that normalises a token.</summary>
    public int NormThreads => Math.Min(1024, (HiddenQuads + RowPlan.Lanes - 1) / RowPlan.Lanes * RowPlan.Lanes);

    /// <summary>Quads of a thread in a norm.</summary>
    public int NormSteps => (HiddenQuads + NormThreads - 1) / NormThreads;

    /// <summary>Pairs of rows of a head: what rotary embedding turns together.</summary>
    public int HeadPairs => (Spec.Attention.HeadDimension + 1) / 2;

    /// <summary>Whether queries and keys have norms, which are each over a whole head.</summary>
    public bool NormsHeads => ModelProgram.Of(Spec).Layer.OfType<NormHeads>().Any();

    /// <summary>Most warps of a group that has a whole head: more would have too few registers each.</summary>
    private const int MaxHeadWarps = 16;

    /// <summary>
    /// Warps of a group that computes query, key and value: it has a whole head where heads have norms, and as many warps as take its pairs of rows
    /// a few at a time.
    /// </summary>
    public int HeadWarps => NormsHeads ? Math.Min(MaxHeadWarps, Math.Max(RowWarps, (HeadPairs + RowsPerWarp - 1) / RowsPerWarp)) : RowWarps;

    public int HeadThreads => HeadWarps * RowPlan.Lanes;

    /// <summary>Elements of a head in the key-value cache and among queries: whole 16 bytes of halves, the rest of them zero.</summary>
    public int CachedHead => CachePlan.Pad(Spec.Attention.HeadDimension);

    /// <summary>Elements of a position in a layer's key-value cache: the keys of all heads, then the values of all.</summary>
    public int CachedRow => 2 * Spec.Attention.KeyValueHeads * CachedHead;

    /// <summary>Bytes of a position's keys and values in all layers, in the type that sessions usually have.</summary>
    public long CachedBytes => (long)Spec.Layers * CachedRow * 2;

    /// <summary>16-byte words of the input's packed signs.</summary>
    public int SignWords => (Spec.Hidden + 127) / 128;

    /// <summary>
    /// Whether the groups that compute query, key and value normalise their own copies of the input, in shared memory. Else, with very wide
    /// models, or where channels are left out of what they read, or a router reads it before them, a launch of one group does it before them.
    /// </summary>
    public bool HeadsNormalise => ModelProgram.Of(Spec).Layer.OfType<Project>().All(project => project.Stage != Stage.Heads || project is { Channels: null, Policy: null }) && Spec.TypesOf(WeightRole.Attention).All(
        type => RowPlan.Of(type, Spec.Hidden).InputBytes + NormBytes <= DeviceTable.MaxSharedBytes);

    /// <summary>Shared memory of a group's sums: two for each warp; and of a head, where it has norms.</summary>
    private int NormBytes => (2 * HeadWarps * 4) + (NormsHeads ? Spec.Attention.HeadDimension * 4 : 0);

    /// <summary>The same for the output projection, where a norm stands before it: its groups normalise their own copies of what attention made.</summary>
    public bool OutputNormalises => Spec.TypesOf(WeightRole.Attention).All(
        type => RowPlan.Of(type, Shape.QueryWidth).InputBytes + (RowWarps * 4) <= DeviceTable.MaxSharedBytes);

    /// <summary>Whether layers have several feed-forwards, of which a router chooses some for each token.</summary>
    public bool HasExperts => Spec.Experts is not null;

    /// <summary>Feed-forwards that compute a token.</summary>
    public int ActiveExperts => Spec.Experts?.Active ?? 1;

    /// <summary>Whether a norm stands between neurons and down, and goes with the sum of down's slices.</summary>
    public bool NormsNeurons => FeedForwards[0].NormsNeurons;

    public bool SharesInput(RowPlan row) => row.InputBytes <= DeviceTable.MaxSharedBytes;

    /// <summary>Whether the sum of down's slices adds what a centre of its input makes of it.</summary>
    public bool CentresDown => Channels.Any(channels => channels.IsDown && channels.Channels.HasCentres);

    /// <summary>Whether down has launches of its own: where all of a token's neurons are there before.</summary>
    public bool SeparatesDown => InputChannels.AreOfNeurons(Spec) || InputChannels.AreOfDown(Spec);

    /// <summary>Whether a file may store down in another type than what its input is multiplied with.</summary>
    public static bool MixesDown(ModelSpec spec) => spec.FeedForwardTypes.Count > 1;

    /// <summary>
    /// Whether sequences can be decoded together with the bits that they have alone. A single token's kernels round inputs for block types in
    /// shared memory, and where a row is too wide for that they round none.
    /// </summary>
    public bool DecodesTogether => SkipsTogether && TogetherProducts.Where(product => Format.HasBlocks(product.Type)).All(
        product => product.Widths.All(width => SharesInput(RowPlan.Of(product.Type, width))));

    /// <summary>Whether tokens that skip neurons each of their own share what they read; else a feed-forward has one at a time.</summary>
    public bool SkipsTogether => FeedForwards.All(plan => plan.ComputesTogether);

    public static IlgpuDecoderPlan Of(ModelSpec spec, DeviceTarget target) =>
        new(
        new(spec),
        target,
        spec.FeedForwardTypes.Select(type => IlgpuFeedForwardPlan.Of(
            new KernelShape(spec.FeedForward, type) { ByChannels = InputChannels.AreOfNeurons(spec) }, target, NormsInSum(spec), spec.Experts?.Active ?? 0)).ToEquatableArray());

    /// <summary>
    /// Whether the sum of down's slices has the norm of the neurons with it. Where channels of down's input are left out by their size, the norm comes before, in a
    /// launch of its own.
    /// </summary>
    public static bool NormsInSum(ModelSpec spec) => ModelProgram.Of(spec).Layer.OfType<NormNeurons>().Any() && !InputChannels.AreOfDown(spec);

    /// <summary>For the device that is declared.</summary>
    public static IlgpuDecoderPlan Of(ModelSpec spec) => Of(spec, DeviceTable.Find(spec.Device)!);
}
