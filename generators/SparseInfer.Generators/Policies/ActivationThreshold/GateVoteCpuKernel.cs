using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>CATS of those gates for which the votes of signs and magnitudes are many enough, for or against: near zero, the activation is small.</summary>
internal sealed class GateVoteCpuKernel()
    : VotingKernelEmitter(ActivationThresholdPolicy.VotedKernel, ActivationThresholdPolicy.Threshold, ActivationThresholdPolicy.GateVote)
{
    /// <summary>What the kernels do, on any backend.</summary>
    public const string Does = "Activation threshold behind votes (CATS-GP): a gate is read only where |votes| &gt; gateVote, in hundredths, and a neuron goes on only "
        + "where |activation| &gt;= threshold.";

    public override string Summary(FeedForwardPlan plan) => Does;

    public override string Keep(string activation) => $"MathF.Abs({activation}) >= threshold";

    // Judged by what the threshold would keep of all gates: without zeros, all are active else.
    public override string OwnActive => "CountAboveThreshold";

    public override IReadOnlyList<PolicyParameter> OwnActiveParameters => [ActivationThresholdPolicy.Threshold];

    protected override IReadOnlyList<string> Tested(KernelShape shape) => [shape.First];

    protected override string Below => "-gateVote";

    protected override string Above => "gateVote";

    protected override string Test(string votes) => $"Math.Abs({votes}) > gateVote";
}
