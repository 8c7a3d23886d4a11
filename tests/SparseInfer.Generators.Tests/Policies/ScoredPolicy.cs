using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>
/// A policy that nobody can declare: it wants tensors of the file, and computes scores of all neurons before they are chosen,
/// <c>second · relu(first · x + bias)</c>. A neuron is computed where its score is positive.
/// </summary>
internal sealed record ScoredSpec(int Rank, string Threshold) : PolicySpec, IPhasePolicy, ICpuPolicy
{
    private static readonly ScoredCpuKernel Kernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"scored {Rank}";

    public override string Describe() => $"scores of rank {Rank}";

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Literal.OfDecimal(Threshold)];

    CpuKernelEmitter ICpuPolicy.Cpu => Kernel;

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

    private sealed class ScoredCpuKernel() : SkippingKernelEmitter("Scored", new PolicyParameter("float", "threshold"))
    {
        public override bool Predicts => true;

        public override IReadOnlyList<Slot> Slots(KernelShape shape) => [Scores(new Dimension("Intermediate", shape.Intermediate))];

        public override string Summary(FeedForwardPlan plan) => "A neuron is left out where its score is no larger than a threshold.";

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
