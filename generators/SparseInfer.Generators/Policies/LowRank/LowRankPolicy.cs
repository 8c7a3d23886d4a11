using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <param name="Rank">Rows of the first matrix.</param>
/// <param name="Input">What it is multiplied by.</param>
/// <param name="Relu">Whether what it gives is rectified.</param>
/// <param name="Bias">Whether the second matrix has one.</param>
/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
internal sealed record LowRankSpec(int Rank, PredictorInput Input, bool Relu, bool Bias, string Threshold) : PolicySpec, IPhasePolicy, ICpuPolicy, IIlgpuPolicy
{
    private static readonly LowRankCpuKernel CpuKernel = new();

    private static readonly LowRankIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"low-rank {Rank}";

    public override string Describe() =>
        $"low-rank predictor, {Formula(Input == PredictorInput.Residual ? "residual" : "normed")} of rank {Rank}, threshold {Threshold}";

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Literal.OfDecimal(Threshold)];

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    PolicyPhase IPhasePolicy.Before(Operation site, Dimensions sizes)
    {
        var rank = Dimension.OfPolicy(Rank, "[LowRankPredictor] Rank");
        Slot factors = new("PredictorFactors", rank);
        Slot scores = LowRankPolicy.Scores(sizes.Intermediate);
        Tensor first = Tensor.OfLayer(TensorRole.Projection, "PredictorFirst", "fc1", "mlp.predictor.fc1", rank, sizes.Hidden);
        Tensor second = Tensor.OfLayer(TensorRole.Projection, "PredictorSecond", "fc2", "mlp.predictor.fc2", sizes.Intermediate, rank);
        Slot from = Input == PredictorInput.Residual ? Slot.Residual : Slot.Normed;
        Operation[] operations =
        [
            new Project(site.Stage, WorkUnit.Row, first, from, factors),
            .. Relu ? [new Rectify(site.Stage, WorkUnit.Row, factors)] : Array.Empty<Operation>(),
            new Project(site.Stage, WorkUnit.Neuron, second, factors, scores),
            .. Bias ? [new AddBias(site.Stage, WorkUnit.Neuron, second.Bias(TensorRole.Bias), scores)] : Array.Empty<Operation>(),
        ];
        return new($"Scores of all neurons: {Formula(from.Variable)}.", operations.ToEquatableArray(), new[] { scores }.ToEquatableArray());
    }

    private string Formula(string input) => (Relu ? $"fc2 * relu(fc1 * {input})" : $"fc2 * fc1 * {input}") + (Bias ? " + bias" : "");
}

internal sealed class LowRankPolicy : SparsityPolicy
{
    /// <summary>What its kernels are called, and what they take.</summary>
    public const string Kernel = "LowRank";

    public const string KernelSummary =
        "Low-rank predictor (arXiv 2310.17157, 2312.12456): a neuron is left out, unread, where its score is below threshold.";

    public static readonly PolicyParameter Threshold = new("float", "threshold");

    public override string AttributeName => "SparseInfer.LowRankPredictorAttribute";

    public override IReadOnlyList<string> Strengths { get; } = ["Threshold"];

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new LowRankInputRule(), new LowRankThresholdRule()];

    public override IEnumerable<DeclaredSize> Sizes(DeclaredAttribute attribute) =>
        [new(attribute, "Rank", "factors", DeclaredSize.GpuWidthLimit, 1024, IsRequired: true)];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new LowRankSpec(
        attribute.Value("Rank", 0),
        attribute.Value("Input", PredictorInput.Residual),
        attribute.Value("Relu", true),
        attribute.Value("Bias", false),
        attribute.Decimal("Threshold", "0"));

    /// <summary>A score for each neuron.</summary>
    public static Slot Scores(Dimension intermediate) => new("NeuronScores", intermediate);

    /// <summary>What the kernels read of the phase.</summary>
    public static IReadOnlyList<Slot> SlotsOf(KernelShape shape) => [Scores(new Dimension("Intermediate", shape.Intermediate))];
}
