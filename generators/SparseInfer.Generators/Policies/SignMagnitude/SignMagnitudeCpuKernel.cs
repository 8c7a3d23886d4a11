using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.SignMagnitude;

internal sealed class SignMagnitudeCpuKernel() : VotingKernelEmitter(SignMagnitudePolicy.Kernel, SignMagnitudePolicy.LeastVotes)
{
    public override string Summary(FeedForwardPlan plan) => SignMagnitudePolicy.Summary(plan.Shape);

    public override string Keep(string activation) => $"{activation} > 0f";

    protected override IReadOnlyList<string> Tested(KernelShape shape) => SignMagnitudePolicy.Tested(shape);

    // No votes are too few to be above, nor below.
    protected override string Below => "long.MinValue";

    protected override string Above => "leastVotes - 1";

    protected override string Test(string votes) => $"{votes} >= leastVotes";
}
