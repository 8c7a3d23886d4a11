using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

internal sealed class GateVoteIlgpuKernel()
    : VotingIlgpuEmitter(ActivationThresholdPolicy.VotedKernel, ActivationThresholdPolicy.Threshold, ActivationThresholdPolicy.GateVote)
{
    public override string Summary(IlgpuFeedForwardPlan plan) => GateVoteCpuKernel.Does;

    public override string Keep(string activation) => $"MathF.Abs({activation}) >= threshold";

    protected override IReadOnlyList<string> Tested(KernelShape shape) => [shape.First];

    protected override string Test(string votes) => $"({votes} > gateVote || {votes} < -gateVote)";
}
