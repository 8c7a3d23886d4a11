using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.SignMagnitude;

internal sealed class SignMagnitudeIlgpuKernel() : VotingIlgpuEmitter(SignMagnitudePolicy.Kernel, SignMagnitudePolicy.LeastVotes)
{
    public override string Summary(IlgpuFeedForwardPlan plan) => SignMagnitudePolicy.Summary(plan.Shape);

    protected override IReadOnlyList<string> Tested(KernelShape shape) => SignMagnitudePolicy.Tested(shape);

    protected override string Test(string votes) => $"{votes} >= leastVotes";
}
