using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.Dense;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>
/// A policy that nobody can declare: it wants tensors of the file, and computes scores of all neurons before they are chosen,
/// <c>second · relu(first · x + bias)</c>. A neuron is computed where its score is positive.
/// </summary>
internal sealed record ScoredSpec(int Rank, string Threshold) : PolicySpec, IPhasePolicy, ICpuPolicy, IIlgpuPolicy
{
    private static readonly PolicyParameter ThresholdParameter = new("float", "threshold");

    private static readonly ScoredCpuKernel Kernel = new();

    private static readonly ScoredIlgpuKernel GpuKernel = new();

    /// <summary>A declaration in whose layers it acts as the case says.</summary>
    public static ModelSpec In(ModelSpec spec, DecoderCase declared) => spec with
    {
        Policies = declared.Ranks.Select((rank, layer) => new Declare.LayerPolicy(
            layer, layer, rank is null ? new DenseSpec() : new ScoredSpec(rank.Value, $"{declared.ScoreThresholds.ElementAtOrDefault(layer)}"))).ToEquatableArray(),
    };

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"scored {Rank}";

    public override string Describe() => $"scores of rank {Rank}";

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Literal.OfDecimal(Threshold)];

    CpuKernelEmitter ICpuPolicy.Cpu => Kernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => GpuKernel;

    PolicyPhase IPhasePolicy.Before(Operation site, Dimensions sizes)
    {
        var rank = Dimension.OfPolicy(Rank, "[Scored] Rank");
        Slot factors = new("Factors", rank);
        Slot scores = Scores(sizes.Intermediate);
        Tensor first = Tensor.OfLayer(TensorRole.Projection, "FirstFactor", "fc1", "mlp.predictor.fc1", rank, sizes.Hidden);
        Tensor second = Tensor.OfLayer(TensorRole.Projection, "SecondFactor", "fc2", "mlp.predictor.fc2", sizes.Intermediate, rank);
        Operation[] operations =
        [
            new Project(site.Stage, WorkUnit.Row, first, Slot.Normed, factors),
            new AddBias(site.Stage, WorkUnit.Row, first.Bias(TensorRole.Bias), factors),
            new Rectify(site.Stage, WorkUnit.Row, factors),
            new Project(site.Stage, WorkUnit.Neuron, second, factors, scores),
        ];
        return new("Scores of all neurons.", operations.ToEquatableArray(), new[] { scores }.ToEquatableArray());
    }

    public static Slot Scores(Dimension intermediate) => new("NeuronScores", intermediate);

    private const string KernelSummary = "A neuron is left out where its score is no larger than a threshold.";

    private static IReadOnlyList<Slot> SlotsOf(KernelShape shape) => [Scores(new Dimension("Intermediate", shape.Intermediate))];

    /// <summary>A neuron for a lane.</summary>
    private sealed class ScoredIlgpuKernel() : IlgpuKernelEmitter("Scored", ThresholdParameter)
    {
        public override IReadOnlyList<Slot> Slots(KernelShape shape) => SlotsOf(shape);

        public override string Summary(IlgpuFeedForwardPlan plan) => KernelSummary;

        public override bool Predicts => true;

        public override string PredictionText => "compare scores";

        public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan) => code.Lines($"""
            // Predict: {PredictionText}, a neuron for a lane.
            int scored = firstOfWarp + lane < Intermediate ? firstOfWarp + lane : Intermediate - 1;
            kept = Lanes.Bits(lane < WarpNeurons && neuronScores[scored] > threshold ? 1u : 0u, lane);
            """);

        public override void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
        {
            code.Line("int scores = (token < tokens ? token : tokens - 1) * ActivatedStride;");
            foreach ((string pair, int k) in new[] { ("AB", 0), ("CD", 2) })
            {
                string neuron = k == 0 ? "firstOfWarp + n + own" : $"firstOfWarp + n + {k} + own";
                code.Line($"int scored{pair} = {neuron} < Intermediate ? {neuron} : Intermediate - 1;");
                code.Line($"uint wants{pair} = token < tokens && neuronScores[scores + scored{pair}] > threshold ? 1u : 0u;");
            }
        }
    }

    private sealed class ScoredCpuKernel() : SkippingKernelEmitter("Scored", ThresholdParameter)
    {
        public override bool Predicts => true;

        public override IReadOnlyList<Slot> Slots(KernelShape shape) => SlotsOf(shape);

        public override string Summary(FeedForwardPlan plan) => KernelSummary;

        public override string Keep(string activation) => $"{activation} != 0f";

        public override void EmitSelect(CodeWriter code, FeedForwardPlan plan)
        {
            using (code.Block("for (int i = block; i < end; i++)"))
            {
                code.Line("Unsafe.Add(ref candidate, candidates) = i;");
                code.Line("candidates += Unsafe.Add(ref neuronScores, i) > threshold ? 1 : 0;");
            }
        }
    }
}
