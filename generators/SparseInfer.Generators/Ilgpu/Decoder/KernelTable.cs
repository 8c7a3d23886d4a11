using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How often a token launches a kernel.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Threads">Threads of a group.</param>
/// <param name="Dense">Launches in that mode; 0 in all three: prompts or several tokens use it, or metering, or a weight type that a file may have, or another type of key-value cache.</param>
/// <param name="NeedsTensorCores">Whether it is compiled for CUDA devices of sm_80 and later only.</param>
/// <param name="Together">Launches of a step of several sequences, a token of each, in dense mode.</param>
internal sealed record KernelUse(
    string Name, int Threads, int Dense, int Exact, int Predicted, bool NeedsTensorCores = false, int Together = 0);

/// <summary>A plan's kernels, as <see cref="IlgpuDecoderClass"/> and <see cref="FeedForwardIlgpuClass"/> write and launch them.</summary>
internal static class KernelTable
{
    public static IReadOnlyList<KernelUse> Of(IlgpuDecoderPlan plan)
    {
        ModelSpec spec = plan.Spec;
        var kernels = new List<KernelUse>();
        foreach (WeightType type in spec.Weights)
        {
            bool first = type == spec.Weights[0];
            Add($"Embed{type}", IlgpuDecoderPlan.RowThreads, first ? 1 : 0, first ? 1 : 0);
            Add($"Heads{type}", IlgpuDecoderPlan.RowThreads, first ? spec.Layers : 0);
            Add($"Project{type}", IlgpuDecoderPlan.RowThreads, first ? spec.Layers : 0);
            Add($"Head{type}", IlgpuDecoderPlan.RowThreads, first ? 1 : 0);
            foreach (int width in plan.ProductWidths)
            {
                Add($"Product{type}x{width}", plan.ProductTile.Threads, 0);
            }
        }

        foreach (WeightType type in CachePlan.Types)
        {
            Add($"AttendPart{type}", IlgpuDecoderPlan.AttentionThreads, type == CachePlan.Types[0] ? spec.Layers : 0);
        }

        Add("AttendJoin", IlgpuDecoderPlan.AttentionThreads, spec.Layers);
        int norms = 1 + (plan.HeadsNormalise ? 0 : spec.Layers);
        Add("Norm", plan.NormThreads, norms, norms);
        Add("AddNorm", plan.NormThreads, spec.Layers, spec.Layers);
        foreach (IlgpuFeedForwardPlan feedForward in plan.FeedForwards)
        {
            Add($"Join{feedForward.Weights}", JoinKernel.Threads(feedForward), OfFirst(feedForward.Weights, spec.Layers), OfFirst(feedForward.Weights, spec.Layers));
            Add($"ProductDown{feedForward.Weights}", plan.ProductTile.Threads, 0);
        }

        Add("RotateBatch", FeedForwardIlgpuClass.BatchThreads, 0);
        Add("ArgMax", ArgMaxKernel.Threads, 1, 1);
        if (plan.HasMatrixKernels)
        {
            kernels.Add(new("SplitInputs", MatrixKernels.SplitThreads, 0, 0, 0, NeedsTensorCores: true));
            foreach (int width in plan.ProductWidths)
            {
                kernels.Add(new($"MatrixF16x{width}", plan.MatrixTile.Threads, 0, 0, 0, NeedsTensorCores: true));
            }

            kernels.Add(new("MatrixDownF16", plan.MatrixTile.Threads, 0, 0, 0, NeedsTensorCores: true));
        }

        if (plan.HasAddBias)
        {
            Add("AddBias", FeedForwardIlgpuClass.BatchThreads, 0, spec.Attention.OutputBias ? spec.Layers : 0);
        }

        if (plan.DecodesTogether)
        {
            AddTogether();
        }

        foreach (IlgpuFeedForwardPlan feedForward in plan.FeedForwards)
        {
            AddFused(feedForward);
        }

        return kernels;

        void Add(string name, int threads, int launches, int together = 0) =>
            kernels.Add(new(name, threads, launches, launches, launches, Together: plan.DecodesTogether ? together : 0));

        // A file may store any of the declared types; launches are counted for the first.
        int OfFirst(WeightType type, int launches) => type == spec.Weights[0] ? launches : 0;

        void AddTogether()
        {
            int hidden = plan.Shape.PaddedHidden;
            int query = plan.Shape.PaddedQueryWidth;
            foreach (WeightType type in spec.Weights)
            {
                foreach (int width in new[] { hidden, query }.Distinct())
                {
                    // Query, key and value and the head are as wide as the residual stream, the output projection as the queries.
                    int launches = (width == hidden ? spec.Layers + 1 : 0) + (width == query ? spec.Layers : 0);
                    Add($"RowsTogether{type}x{width}", IlgpuDecoderPlan.RowThreads, 0, OfFirst(type, launches));
                }
            }

            foreach (WeightType type in CachePlan.Types)
            {
                Add($"AttendPartTogether{type}", IlgpuDecoderPlan.AttentionThreads, 0, type == CachePlan.Types[0] ? spec.Layers : 0);
            }

            Add("AttendJoinTogether", IlgpuDecoderPlan.AttentionThreads, 0, spec.Layers);
            Add("RotateTogether", FeedForwardIlgpuClass.BatchThreads, 0, spec.Layers);
            if (plan.HeadsNormalise)
            {
                Add("NormTogether", IlgpuDecoderPlan.RowThreads, 0, spec.Layers);
            }
        }

        void AddFused(IlgpuFeedForwardPlan feedForward)
        {
            bool first = feedForward.Weights == spec.Weights[0];
            int Launches(IlgpuKernelEmitter kernel, SparsityMode mode) => !first ? 0 : DeviceCost.Kernels(spec, feedForward, mode)
                .Where(used => ReferenceEquals(used.Kernel, kernel)).Sum(used => used.Layers);
            IReadOnlyList<IlgpuKernelEmitter> emitted = IlgpuKernelEmitter.Set.For(
                feedForward.Shape, spec.Policies.Select(policy => IlgpuKernelEmitter.Set.Of(policy.Policy)));
            foreach (IlgpuKernelEmitter kernel in emitted)
            {
                kernels.Add(new(
                    FusedKernel.Name(kernel, metered: false),
                    feedForward.Threads,
                    Launches(kernel, SparsityMode.Dense),
                    Launches(kernel, SparsityMode.Exact),
                    Launches(kernel, SparsityMode.Predicted)));
                kernels.Add(new(FusedKernel.Name(kernel, metered: true), feedForward.Threads, 0, 0, 0));
            }

            if (feedForward.ComputesTogether)
            {
                foreach (IlgpuKernelEmitter kernel in emitted)
                {
                    Add(TogetherKernel.Name(kernel), TogetherPlan.Threads, 0, Launches(kernel, SparsityMode.Dense));
                }

                Add(TogetherDownKernel.Name, new TogetherPlan(feedForward).DownThreads, 0, first ? spec.Layers : 0);
            }

            Add("ActivateBatch", FeedForwardIlgpuClass.BatchThreads, 0);
        }
    }
}
