using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Chooses how many neurons a group of a feed-forward takes: few make many partial sums, which are written and read again; many leave
/// multiprocessors without work in the last wave. What the feed-forward and the sum cost together decides, at a tenth of the neurons active.
/// </summary>
internal static class SlicePlanner
{
    private const double Active = 0.1;

    public static IlgpuFeedForwardPlan Choose(KernelShape shape, DeviceTarget target, bool normsNeurons = false, int experts = 0)
    {
        IlgpuFeedForwardPlan? best = null;
        double least = double.MaxValue;
        foreach (IlgpuFeedForwardPlan candidate in Candidates(shape, target, normsNeurons, experts))
        {
            double cost = Microseconds(candidate);
            if (cost < least)
            {
                (best, least) = (candidate, cost);
            }
        }

        return best!;
    }

    /// <summary>
    /// Fewest slices first: of equals, those stay. One at least, however few neurons there are. Of block types two blocks at least, which a loop
    /// adds up: where there is no loop, ILGPU leaves out the zero that a sum starts at, and a sum of -0 stays one.
    /// </summary>
    public static IEnumerable<IlgpuFeedForwardPlan> Candidates(KernelShape shape, DeviceTarget target, bool normsNeurons = false, int experts = 0)
    {
        IlgpuFeedForwardPlan[] all =
        [
            .. from threads in Threads(RowPlan.Of(shape.Weights, shape.Hidden).Words)
               from steps in Enumerable.Range(1, RowPlan.Lanes / IlgpuFeedForwardPlan.PredictedAtOnce)
               let plan = new IlgpuFeedForwardPlan(shape, target, threads, steps * IlgpuFeedForwardPlan.PredictedAtOnce) { NormsNeurons = normsNeurons, Experts = experts }
               where !plan.Row.IsBlock || plan.SliceBlocks is > 1 and var blocks && blocks * IlgpuFeedForwardPlan.BlockNeurons == plan.SliceNeurons
               orderby plan.Slices, plan.SliceNeurons descending
               select plan,
        ];
        int fewest = all.Min(plan => plan.SliceNeurons);
        return all.Where(plan => plan.SliceNeurons < shape.Intermediate || plan.SliceNeurons == fewest);
    }

    /// <summary>Microseconds of a feed-forward and of the sum after it, without their launches.</summary>
    public static double Microseconds(IlgpuFeedForwardPlan plan)
    {
        DeviceTarget target = plan.Target;
        int computed = Math.Max(1, plan.Experts);
        double rows = computed * Active * (plan.Shape.InputMatrices + 1) * plan.Intermediate * plan.Row.Bytes;
        double signs = (double)computed * plan.Intermediate * plan.SignWords * 16;
        double staged = KernelTime.Move(target, plan.PartialBytes, target.Multiprocessors);
        return FusedMicroseconds(plan, rows, signs) + staged + JoinMicroseconds(plan);
    }

    /// <summary>What the fused kernel takes for its rows and signs, and to write its partial sums.</summary>
    public static double FusedMicroseconds(IlgpuFeedForwardPlan plan, double rows, double signs) =>
        FusedMicroseconds(plan, rows, signs, plan.Row.Format.InstructionsPerLoad, plan.Imbalance);

    /// <summary>The same, for a kernel of other instructions, whose busiest multiprocessor takes another share.</summary>
    public static double FusedMicroseconds(IlgpuFeedForwardPlan plan, double rows, double signs, double perLoad, double imbalance)
    {
        DeviceTarget target = plan.Target;
        double moved = KernelTime.Move(target, rows + signs, target.Multiprocessors);
        double issued = KernelTime.Issue(target, rows, perLoad);
        return (Math.Max(moved, issued) * imbalance) + KernelTime.Move(target, plan.PartialBytes, target.Multiprocessors);
    }

    /// <summary>What reading the partial sums takes, and reading and writing the residual stream.</summary>
    public static double JoinMicroseconds(IlgpuFeedForwardPlan plan) =>
        KernelTime.Move(plan.Target, plan.PartialBytes + (2.0 * plan.Row.Columns * 4), plan.JoinGroups);

    /// <summary>Threads of a group: no more than have a load of a row of down, but two warps.</summary>
    private static int[] Threads(int words) => words >= 512 ? [256, 384, 512] : words >= 384 ? [256, 384] : words >= 256 ? [256] : words >= 128 ? [128] : [64];
}
