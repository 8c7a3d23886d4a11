using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How launches are written, whoever writes them.</summary>
internal abstract class LaunchCode(CodeWriter code, IlgpuDecoderPlan plan)
{
    protected CodeWriter Code => code;

    protected IlgpuDecoderPlan Plan => plan;

    protected ModelSpec Spec => plan.Spec;

    protected IReadOnlyList<IlgpuFeedForwardPlan> FeedForwards { get; } = [.. plan.FeedForwards];

    private readonly TokenData[] _ofTokens = [.. PolicyData.OfTokens(plan.Spec, plan.FeedForwards.First())];

    /// <summary>Whether a predictor compares signs of the input.</summary>
    protected bool PacksSigns => _ofTokens.OfType<InputSigns>().Any();

    /// <summary>Writes something for all that policies' kernels read of a token beside the input: parameters, or arguments.</summary>
    protected string OfTokens(Func<TokenData, string> text) => string.Concat(_ofTokens.Select(text));

    /// <summary>A launch of the first of some kernels: the others are for what files, sessions or devices may have instead.</summary>
    protected Launch Launch(Operation operation, string what, IEnumerable<KernelName> kernels)
    {
        KernelName[] all = [.. kernels];
        return Launch(operation, what, all, all[0]);
    }

    /// <summary>A launch of one of some kernels.</summary>
    /// <param name="usual">The one that is counted.</param>
    protected Launch Launch(Operation operation, string what, IEnumerable<KernelName> kernels, KernelName usual)
    {
        var launch = new Launch(operation, what, []);
        int predicted = operation.Policy?.Layers.Count ?? (launch.IsOfLayer ? Spec.Layers : 1);
        int times = operation.Policy is null ? predicted : 0;
        return launch with
        {
            Kernels = [.. kernels.Select(kernel => kernel.Is(usual) ? new LaunchedKernel(kernel, times, times, predicted) : new(kernel, 0, 0, 0))],
        };
    }

    /// <summary>What policies make of the input in a launch of its own, before their kernels.</summary>
    protected IEnumerable<Launch> PolicyInput(Operation neurons) => FeedForwards.SelectMany(feedForward => new FeedForwardKernels(Spec, feedForward).Inputs)
        .Select(input => new Launch(neurons, "a policy's input", [input]) { IsOfPolicy = true });

    /// <summary>Whether all gates are there before any is activated.</summary>
    protected bool HasGates => FeedForwards[0].Shape.NeedsAllGates;

    /// <summary>Something that is said of the cuts alone, where there are any.</summary>
    protected string OfCuts(string text) => HasGates ? text : "";

    /// <summary>The launches of gates, and of their cut, where there are any.</summary>
    /// <param name="gates">The kernel of a type's gates.</param>
    protected IEnumerable<Launch> OfGates(Func<FeedForwardKernels, KernelName> gates)
    {
        foreach (Operation operation in ModelProgram.Of(Spec).Layer.Where(operation => operation is Gates or MeasureGates))
        {
            IEnumerable<FeedForwardKernels> kernels = FeedForwards.Select(feedForward => new FeedForwardKernels(Spec, feedForward));
            yield return operation is Gates ? Launch(operation, "gates", kernels.Select(gates)) : Launch(operation, "their cut", kernels.Select(type => type.Cut));
        }
    }

    /// <summary>The launch that finds where tokens' gates are cut.</summary>
    /// <param name="kernels">Where the kernels are.</param>
    /// <param name="weights">The layer's.</param>
    protected string CutOf(IlgpuFeedForwardPlan feedForward, string kernels, string weights, string tokens, string gates, string cuts)
    {
        var cut = new CutKernels(Code, feedForward, several: true);
        return $"{kernels}.{cut.Cut().Name}({Config(cut.Cut(), tokens)}, {cut.Weights(weights)}{gates}, {cuts});";
    }

    protected static string Config(KernelName kernel, string x) => $"new KernelConfig({x}, {kernel.ThreadsText})";

    protected static string Config(KernelName kernel, string x, string y, string z = "1") =>
        $"new KernelConfig(new Index3D({x}, {y}, {z}), new Index3D({kernel.ThreadsText}, 1, 1))";

    /// <summary>The launch of a kernel that the program holds, with its configuration and its arguments.</summary>
    protected static string Run(DeviceKernel kernel, string config, string arguments) =>
        $"_program.{kernel.Field}{(kernel.NeedsTensorCores ? "!" : "")}({config}, {arguments});";

    /// <summary>So many groups, as C#, that each takes as many as <paramref name="ofGroup"/>.</summary>
    protected static string Groups(string count, int ofGroup) => $"({count} + {ofGroup - 1}) / {ofGroup}";

    /// <summary>Groups of threads that have one of so many each.</summary>
    protected static string Groups(KernelName kernel, int count) => $"{(count + kernel.Threads - 1) / kernel.Threads}";

    /// <summary>Groups that go through rows, or pairs of rows, of a matrix.</summary>
    protected static string RowGroups(string rows) => Groups(rows, IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp);

    /// <summary>Groups that the splits of a context take.</summary>
    public static string SplitsOf(string positions) => Groups(positions, IlgpuDecoderPlan.SplitPositions);

    /// <summary>Writes a call for the matrix's type: straight, where it has one.</summary>
    /// <param name="types">Those that the matrix may have.</param>
    protected void ForType(string matrix, IReadOnlyList<WeightType> types, Action<WeightType> emit) => WeightSwitch.Emit(code, $"{matrix}.Type", types, emit);

    /// <summary>Whether a layer's down may have another weight type than what its input is multiplied with.</summary>
    protected bool MixesDown => IlgpuDecoderPlan.MixesDown(Spec);

    /// <summary>The matrix of a feed-forward that its input is multiplied with first, in a layer <c>w</c>.</summary>
    protected string FirstMatrix => $"w.{FeedForwards[0].Shape.First}";

    /// <summary>Writes what is done for the type of a layer's neurons, then what is done for the type of down.</summary>
    /// <param name="neurons">Take the type's plan, and where its weights are.</param>
    protected void ForFeedForward(Action<IlgpuFeedForwardPlan, string> neurons, Action<IlgpuFeedForwardPlan, string> down)
    {
        if (!MixesDown)
        {
            neurons(FeedForwards[0], $"w.FeedForward{FeedForwards[0].Weights}");
            down(FeedForwards[0], $"w.FeedForward{FeedForwards[0].Weights}");
            return;
        }

        ForFeedForward(FirstMatrix, neurons);
        Code.Line();
        ForFeedForward("w.Down", down);
    }

    /// <summary>Writes what meters take a neuron's row of down for, where it may have another weight type than the other matrices.</summary>
    protected void EmitDownRowBytes()
    {
        if (!MixesDown)
        {
            return;
        }

        Code.Line();
        using (Code.Block("private long DownRowBytes(int layer) => _program._layers[layer].Down.Type switch", end: "};"))
        {
            for (int i = 0; i < FeedForwards.Count; i++)
            {
                Code.Line($"{(i == FeedForwards.Count - 1 ? "_" : $"WeightType.{FeedForwards[i].Weights}")} => {FeedForwards[i].ClassName}.RowBytes,");
            }
        }
    }

    /// <summary>Writes a call for the type of a layer's matrix.</summary>
    /// <param name="emit">Takes the type's plan, and where its weights are.</param>
    protected void ForFeedForward(string matrix, Action<IlgpuFeedForwardPlan, string> emit) => ForType(
        matrix, Spec.FeedForwardTypes, type => emit(FeedForwards.First(candidate => candidate.Weights == type), $"w.FeedForward{type}"));

    /// <summary>Writes a call for the width of <c>w</c>: straight, where there is one.</summary>
    protected void ForWidth(IReadOnlyList<int> widths, Action<int> emit)
    {
        for (int i = 0; i < widths.Count; i++)
        {
            using (widths.Count == 1 ? default(CodeWriter.Scope?)
                : code.Block(i == widths.Count - 1 ? "else" : $"{(i == 0 ? "" : "else ")}if (w.Columns {Matching(widths[i])})"))
            {
                emit(widths[i]);
            }
        }
    }

    /// <summary>Columns that are padded to a width, as a test in C#.</summary>
    private string Matching(int width)
    {
        string[] columns = [.. plan.TogetherColumns.Where(columns => WeightLayout.Pad(columns) == width).Select(columns => columns == Spec.Hidden ? "Hidden" : $"{columns}")];
        return columns.Length == 1 ? $"== {columns[0]}" : $"is {string.Join(" or ", columns)}";
    }

    /// <summary>From a token's row of a policy's own slot to the next one's, as products of that width read them.</summary>
    public static int PolicyStride(Slot slot) => WeightLayout.Pad(slot.Width!.Size);

    /// <summary>Words of a token's row of bits, 32 a word.</summary>
    public static int ChosenWords(Slot slot) => PolicyStride(slot) / 32;

    /// <summary>Where a session, or a batch of them, has what sequences keep of a slot.</summary>
    public static string Kept(Slot slot) => $"_kept{slot.Name}";

    /// <summary>Where a layer begins in what a sequence keeps.</summary>
    /// <param name="layers">The layers that have it: there is room from the first to the last.</param>
    /// <param name="elements">Of a layer.</param>
    public static string PlaceOf(LayerSet layers, int elements) => $"{(layers.First == 0 ? "layer" : $"(layer - {layers.First})")} * {elements}";

    /// <summary>Writes a call for the type of a cache.</summary>
    protected void ForCache(string cache, Action<WeightType> emit)
    {
        using (code.Block($"if ({cache}.Type == KeyValueType.{CachePlan.Types[0]})"))
        {
            emit(CachePlan.Types[0]);
        }

        using (code.Block("else"))
        {
            emit(CachePlan.Types[1]);
        }

        code.Line();
    }

    /// <summary>Where a pass has a slot of its tokens, and how many fours of columns each has there, as C#.</summary>
    public static (string Buffer, string Quads) RowOf(Slot slot) => slot == Slot.Residual ? ("_x", "HiddenQuads")
        : slot == Slot.Normed ? ("_normed", "HiddenQuads")
        : slot == Slot.Queries ? ("_queries", "Heads * HeadQuads")
        : slot == Slot.Attended ? ("_attended", "QueryQuads")
        : slot == Slot.Projected ? ("_projected", "HiddenQuads")
        : slot == Slot.Activated ? ("_activated", "IntermediateQuads")
        : throw new NotSupportedException($"A GPU's program has no rows of {slot}.");

    /// <summary>Whether programs have all that an operation reads and writes.</summary>
    protected static bool HasSlots(Operation operation) => operation.Reads.Append(operation.Writes).All(slot => slot.Width is not null || Slots.Contains(slot));

    private static readonly Slot[] Slots =
    [
        Slot.Residual, Slot.Normed, Slot.Queries, Slot.Keys, Slot.Values, Slot.Attended, Slot.Projected, Slot.Gates, Slot.Moments, Slot.Activated, Slot.Squares, Slot.Sums, Slot.Routed, Slot.Logits,
    ];

    protected static string Row(Slot slot) => RowOf(slot).Buffer;

    protected static string Quads(Slot slot) => RowOf(slot).Quads;

    /// <summary>Where slices of channels leave what they add to outputs.</summary>
    public const string ChannelSumsBuffer = "_channelSums";

    /// <summary>Where several sequences have how many channels are kept, which nobody asks for.</summary>
    public const string KeptChannelsBuffer = "_keptChannels";

    /// <summary>From a token's query, key and value, as products, to the next one's.</summary>
    public const string HeadsStride = "QueryWidth + (2 * KeyValueWidth)";

    protected static string Words(string matrix, WeightType type) =>
        Format.HasBlocks(type) ? $"{matrix}.Words, {matrix}.Scales" : $"{matrix}.Words";

    /// <summary>What a norm multiplies with and adds.</summary>
    protected string NormOf(string norm) => Spec.Norm.Kind == NormKind.Layer ? $"{norm}.Weight, {norm}.Bias" : $"{norm}.Weight";

    /// <summary>The bias of down, of kernels that add it.</summary>
    protected string DownBias => Spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";

    /// <summary>What traits do with the sum of down's slices.</summary>
    private readonly IReadOnlyList<Operation> _ofSum = LaunchGroup.OfSum(ModelProgram.Of(plan.Spec));

    /// <summary>The sum of down's slices.</summary>
    protected DeviceKernel Join(IlgpuFeedForwardPlan feedForward) =>
        JoinKernel.Of(code, feedForward, $"Join{feedForward.Weights}", "x", adds: true, _ofSum, plan.NormsNeurons ? Spec.Norm : null, Spec.Experts?.Active ?? 0);

    /// <summary>Where the squares of neurons are, of kernels that sum them for the norm before down: behind the partial sums.</summary>
    /// <param name="view">The view.</param>
    protected string Squares(string view) => plan.NormsNeurons ? $", {view}" : "";

    /// <summary>The arguments of the sum of down's slices, between the partial sums, with the squares, and the residual stream.</summary>
    protected string JoinArguments => DownBias + string.Concat(_ofSum.SelectMany(operation => operation.Tensors).Select(tensor => $"w.{tensor.Field}.Cast<Float4>(), "));
}
