using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Scores of neurons by two small matrices, and the kernels that compare them: what all policies with such matrices have.</summary>
/// <param name="Rank">Rows of the first matrix.</param>
/// <param name="Input">What it is multiplied by.</param>
/// <param name="Relu">Whether what it gives is rectified.</param>
/// <param name="Bias">Whether the second matrix has one.</param>
/// <param name="Attribute">What declares it.</param>
/// <param name="Lookahead">How many layers before its own the input is.</param>
internal sealed record LowRankPhase(int Rank, PredictorInput Input, bool Relu, bool Bias, string Attribute, int Lookahead = 0)
{
    /// <summary>What the kernels are called, and what they take.</summary>
    public const string Kernel = "LowRank";

    public const string KernelSummary =
        "Low-rank predictor (arXiv 2310.17157, 2312.12456): a neuron is left out, unread, where its score is below threshold.";

    public static readonly PolicyParameter Threshold = new("float", "threshold");

    public static LowRankCpuKernel CpuKernel { get; } = new();

    public static LowRankIlgpuKernel IlgpuKernel { get; } = new();

    /// <summary>What the kernels read of the phase.</summary>
    public static IReadOnlyList<Slot> SlotsOf(KernelShape shape) => [Scores(new Dimension("Intermediate", shape.Intermediate))];

    /// <summary>The scores, which kernels compare with a threshold.</summary>
    public PolicyPhase Before(Operation site, Dimensions sizes)
    {
        Slot scores = Scores(sizes.Intermediate);
        return new(
            $"Scores of all neurons: {Formula(From.Variable)}.",
            Operations(site, sizes, scores).ToEquatableArray(),
            new[] { scores }.ToEquatableArray());
    }

    /// <summary>The scores as marks: 0 of the largest, -1 of the others.</summary>
    /// <param name="count">How many are the largest.</param>
    public PolicyPhase Largest(Operation site, Dimensions sizes, int count)
    {
        Slot ranked = new("RankedScores", sizes.Intermediate);
        Slot scores = Scores(sizes.Intermediate);
        return new(
            $"Scores of all neurons: {Formula(From.Variable)}; then 0 for the largest of them and -1 for the others.",
            Operations(site, sizes, ranked).Append(new KeepLargest(site.Stage, WorkUnit.Neuron, ranked, scores)).ToEquatableArray(),
            new[] { scores }.ToEquatableArray())
        {
            Kept = count,
        };
    }

    public string Formula(string input) => (Relu ? $"fc2 * relu(fc1 * {input})" : $"fc2 * fc1 * {input}") + (Bias ? " + bias" : "");

    private Slot Own => Input == PredictorInput.Residual ? Slot.Residual : Slot.Normed;

    private Slot From => Lookahead > 0 ? Own.Before(Lookahead) : Own;

    private IEnumerable<Operation> Operations(Operation site, Dimensions sizes, Slot scores)
    {
        var rank = Dimension.OfPolicy(Rank, $"[{Attribute}] Rank");
        Slot factors = new("PredictorFactors", rank);
        Tensor first = Tensor.OfLayer(TensorRole.Projection, "PredictorFirst", "fc1", "mlp.predictor.fc1", rank, sizes.Hidden);
        Tensor second = Tensor.OfLayer(TensorRole.Projection, "PredictorSecond", "fc2", "mlp.predictor.fc2", sizes.Intermediate, rank);
        return
        [
            new Project(site.Stage, WorkUnit.Row, first, From, factors),
            .. Relu ? [new Rectify(site.Stage, WorkUnit.Row, factors)] : Array.Empty<Operation>(),
            new Project(site.Stage, WorkUnit.Neuron, second, factors, scores),
            .. Bias ? [new AddBias(site.Stage, WorkUnit.Neuron, second.Bias(TensorRole.Bias), scores)] : Array.Empty<Operation>(),
        ];
    }

    /// <summary>A score for each neuron.</summary>
    private static Slot Scores(Dimension intermediate) => new("NeuronScores", intermediate);
}
