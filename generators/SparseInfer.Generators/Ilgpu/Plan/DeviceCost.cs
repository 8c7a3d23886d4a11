using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a token shall find.</summary>
/// <param name="Mode">Which neurons are skipped.</param>
/// <param name="Sparsity">Share of a layer's neurons that are inactive, 0 to 1: predictors are taken to find these and no other.</param>
/// <param name="Position">The token's position: so many are in the key-value cache before it.</param>
/// <param name="Channels">Share of the channels that are left out of each input with a threshold, 0 to 1; of down's, of the neurons that are active.</param>
internal sealed record TokenCase(SparsityMode Mode, double Sparsity, int Position, double Channels = 0);

/// <summary>A part of what a token costs.</summary>
/// <param name="Bytes">Global memory read and written.</param>
/// <param name="Work">Microseconds beside the launches.</param>
internal sealed record CostPart(string Name, double Bytes, int Launches, double Work)
{
    /// <summary>Microseconds with the launches.</summary>
    public double Microseconds => Work + (Launches * KernelTime.LaunchMicroseconds);
}

/// <summary>
/// What decoding one token costs on a GPU: modelled, never measured. Bytes are counted from the plan; each is taken to come from memory
/// once, whatever the caches keep. docs/gpu-cost-model.md has the formula.
/// </summary>
/// <param name="Device">The device that time is told for.</param>
/// <param name="Parts">None twice.</param>
internal sealed record DeviceCost(DeviceTarget Device, IReadOnlyList<CostPart> Parts)
{
    public double Bytes => Parts.Sum(part => part.Bytes);

    public int Launches => Parts.Sum(part => part.Launches);

    /// <summary>Microseconds of a token.</summary>
    public double Microseconds => Parts.Sum(part => part.Microseconds);

    /// <summary>Counts one token of a plan, all matrices in the first weight type of their role.</summary>
    public static DeviceCost Of(IlgpuDecoderPlan plan, TokenCase token)
    {
        ModelSpec spec = plan.Spec;
        WeightType attentionType = spec.TypesOf(WeightRole.Attention)[0];
        WeightType policyType = spec.TypesOf(WeightRole.None)[0];
        WeightType headType = ModelProgram.Of(spec).Head.Matrix.Types(spec)[0];
        IlgpuFeedForwardPlan feedForward = plan.FeedForwards[0];
        int layers = spec.Layers;
        double row = RowPlan.Of(spec.TypesOf(WeightRole.Embedding)[0], spec.Hidden).Bytes;
        double vector = plan.Shape.PaddedHidden * 4.0;
        (double neurons, double signs) = FeedForwardBytes(plan, feedForward, token);
        int all = plan.Target.Multiprocessors;
        double Move(double bytes, int active) => KernelTime.Move(plan.Target, bytes, active);
        double Rows(double bytes, WeightType type) => Math.Max(
            Move(bytes, all), KernelTime.Issue(plan.Target, bytes, Format.Of(type).InstructionsPerLoad));

        // Keys and values once, for query heads that share them come together; what splits leave is written and read back.
        int splits = (token.Position + IlgpuDecoderPlan.SplitPositions) / IlgpuDecoderPlan.SplitPositions;
        double read = Enumerable.Range(0, layers).Average(layer => Math.Min(token.Position + 1.0, spec.Attention.WindowOf(layer) ?? double.PositiveInfinity));
        double cached = (read + 1) * plan.CachedBytes / layers;
        double split = 2.0 * splits * spec.Attention.Heads * (plan.CachedHead + 2) * 4;
        double attention = ((double)layers * DeviceFootprint.AttentionBytes(plan, attentionType)) - LeftOut(plan, token, attentionType, ChannelUse.Heads, ChannelUse.Output);
        double cache = layers * (cached + split);
        double phase = token.Mode != SparsityMode.Predicted ? 0 : ModelProgram.Of(spec).Layer.OfType<Project>()
            .Concat(ModelProgram.Of(spec).Words?.Projects ?? []).Where(project => project.Policy is not null)
            .Sum(project => project.Policy!.Layers.Count * (project.IsOfEachExpert ? plan.ActiveExperts : 1) * (double)project.Matrix.MatrixBytes(columns => RowPlan.Of(policyType, columns).Bytes));
        double head = spec.Vocabulary * (double)RowPlan.Of(headType, spec.Hidden).Bytes;
        double logits = 2.0 * spec.Vocabulary * 4;
        double embedded = row + (vector * (1 + ModelProgram.Of(spec).AfterEmbed.Count));
        ILookup<string, Launch> launched = new DecoderLaunches(plan).Token.Launches.ToLookup(launch => PartOf(launch.Operation));

        // The fused kernel's time is told with the rows; its signs and partial sums move with them.
        double fused = layers * SlicePlanner.FusedMicroseconds(feedForward, neurons / layers, signs / layers);
        double predicted = layers * Move(signs / layers, all) * feedForward.Imbalance;
        double written = layers * Move(feedForward.PartialBytes, all);
        double joined = layers * SlicePlanner.JoinMicroseconds(feedForward);
        double routed = layers * ModelProgram.Of(spec).Layer.OfType<Route>()
            .Sum(route => (double)route.Matrix.MatrixBytes(columns => RowPlan.Of(route.Matrix.Types(spec)[0], columns).Bytes));

        // A norm reads the stream and the weights, and writes the result; where something is added first, it reads that and writes the stream, too.
        double normed = launched[Norms].Sum(launch => launch.Times(token.Mode) * (launch.Operation is AddResidual ? 5 : 3)) * vector;
        return new(plan.Target,
        [
            Part(Embedding, embedded, Move(embedded, 1)),
            Part(AttentionWeights, attention, Rows(attention, attentionType)),
            Part(Cache, cache, Move(cache, all)),
            Part(FeedForwardWeights, neurons, Math.Max(0, fused - predicted - written)),
            Part("predictor signs", signs, predicted),
            .. phase == 0 ? Array.Empty<CostPart>() : [Part(PolicyMatrices, phase, Rows(phase, policyType))],
            .. routed == 0 ? Array.Empty<CostPart>() : [Part(Router, routed, Move(routed, all))],
            Part(PartialSums, layers * ((2 * feedForward.PartialBytes) + (2 * vector)), written + joined),
            Part(Norms, normed, Move(normed, 1)),
            Part(OutputHead, head + logits, Rows(head, headType) + Move(logits, all)),
        ]);

        CostPart Part(string name, double bytes, double work) => new(name, bytes, launched[name].Sum(launch => launch.Times(token.Mode)), work);
    }

    private const string Embedding = "embedding";
    private const string AttentionWeights = "attention weights";
    private const string Cache = "key-value cache";
    private const string FeedForwardWeights = "feed-forward weights";
    private const string Router = "router";
    private const string PartialSums = "partial sums";
    private const string Norms = "norms";
    private const string OutputHead = "output head";
    private const string PolicyMatrices = "matrices of policies";

    /// <summary>The part that a launch belongs to, which is named after this operation.</summary>
    private static string PartOf(Operation operation) => operation switch
    {
        SkipChannels { Channels.Use: ChannelUse.FeedForward or ChannelUse.Down } => FeedForwardWeights,
        SkipChannels or ScoreQueries or KeepLargest { Stage: Stage.Heads or Stage.Attention } => AttentionWeights,
        BringChosen => FeedForwardWeights,
        { Policy: not null } => PolicyMatrices,
        Embed => Embedding,
        Project { Stage: Stage.Logits } => OutputHead,
        Project => AttentionWeights,
        Attend => Cache,
        Neurons or Down or NormNeurons => FeedForwardWeights,
        SumSlices or SumExperts => PartialSums,
        Route => Router,
        Norm or NormAttended or AddResidual => Norms,
        _ when operation.Tensors.Any(tensor => tensor.Columns is not null) =>
            throw new NotSupportedException($"Nothing is said of what {operation.GetType().Name} reads on a GPU."),

        // Without a matrix: a launch, and little else.
        { Stage: Stage.FeedForward } => FeedForwardWeights,
        { Stage: Stage.Logits } => OutputHead,
        _ => AttentionWeights,
    };

    /// <summary>Rows of all layers that are read, and signs.</summary>
    private static (double Neurons, double Signs) FeedForwardBytes(IlgpuDecoderPlan plan, IlgpuFeedForwardPlan feedForward, TokenCase token)
    {
        double neurons = 0;
        double signs = 0;
        double matrix = (double)plan.ActiveExperts * feedForward.Intermediate * feedForward.Row.Bytes;
        neurons -= LeftOut(plan, token, plan.Spec.TypesOf(WeightRole.FeedForward)[0], ChannelUse.FeedForward);
        foreach ((IlgpuKernelEmitter kernel, int layers) in Kernels(plan.Spec, feedForward, token.Mode))
        {
            double kept = 1 - token.Sparsity;
            double first = kernel.Predicts ? kept : 1;

            // dReLU: either factor ends a neuron, but only the gate's is known before up is read.
            double afterGate = !kernel.Skips ? 1
                : feedForward.Spec.Activation == Activation.DRelu && !kernel.Predicts ? Math.Sqrt(kept)
                : kept;
            double down = kernel.Skips ? kept : 1;
            neurons += layers * matrix * (first + (feedForward.Spec.Gated ? afterGate : 0) + down);
            signs += (double)layers * plan.ActiveExperts * kernel.PredictorBytes(feedForward);
        }

        // What is left of the neurons are down's channels.
        neurons -= token.Channels * matrix * Chosen(plan, token, ChannelUse.Down).SelectMany(input => input.Channels.Policy.Layers.All)
            .Sum(layer => IlgpuKernelEmitter.Set.Of(plan.Spec.Policies.First(policy => policy.First <= layer && layer <= policy.Last).Policy).Skips ? 1 - token.Sparsity : 1);
        return (neurons, signs);
    }

    /// <summary>Bytes of the channels that a token leaves out of matrices that have a row for each.</summary>
    private static double LeftOut(IlgpuDecoderPlan plan, TokenCase token, WeightType type, params ChannelUse[] uses) => token.Channels * Chosen(plan, token, uses)
        .Sum(input => input.Channels.Policy.Layers.Count * (double)input.Matrices.Sum(matrix => matrix.MatrixBytes(columns => RowPlan.Of(type, columns).Bytes)));

    /// <summary>Inputs whose channels are chosen.</summary>
    private static IEnumerable<ChannelPlan> Chosen(IlgpuDecoderPlan plan, TokenCase token, params ChannelUse[] uses) =>
        plan.Channels.Where(input => token.Mode == SparsityMode.Predicted && uses.Contains(input.Channels.Use));

    /// <summary>Which fused kernels a token launches, and in how many layers.</summary>
    public static IEnumerable<(IlgpuKernelEmitter Kernel, int Layers)> Kernels(
        ModelSpec spec, IlgpuFeedForwardPlan plan, SparsityMode mode) => mode switch
        {
            SparsityMode.Predicted => spec.Policies
                .GroupBy(policy => IlgpuKernelEmitter.Set.Of(policy.Policy))
                .Select(group => (group.Key, group.Sum(policy => policy.Last - policy.First + 1))),
            SparsityMode.Exact when plan.Shape.HasZeros => [(IlgpuKernelEmitter.Set.Exact, spec.Layers)],
            _ => [(IlgpuKernelEmitter.Set.Dense, spec.Layers)],
        };
}
