namespace SparseInfer.Generators.Ilgpu;

/// <summary>How often a token launches a kernel.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Threads">Threads of a group.</param>
/// <param name="Dense">Launches in that mode; 0 in all three: prompts or several tokens use it, or metering, or a weight type that a file may have, or another type of key-value cache.</param>
/// <param name="NeedsTensorCores">Whether it is compiled for CUDA devices of sm_80 and later only.</param>
/// <param name="Together">Launches of a step of several sequences, a token of each, in dense mode.</param>
internal sealed record KernelUse(
    string Name, int Threads, int Dense, int Exact, int Predicted, bool NeedsTensorCores = false, int Together = 0);

/// <summary>A plan's kernels, counted in what its passes launch.</summary>
internal static class KernelTable
{
    public static IReadOnlyList<KernelUse> Of(IlgpuDecoderPlan plan)
    {
        var launches = new DecoderLaunches(plan);
        IEnumerable<KernelName> kernels =
        [
            .. launches.Kernels, .. launches.TensorCoreKernels, .. launches.KernelsTogether,
            .. plan.FeedForwards.SelectMany(feedForward => new FeedForwardKernels(plan.Spec, feedForward).All),
        ];
        return [.. kernels.Select(kernel => new KernelUse(
            kernel.Name,
            kernel.Threads,
            launches.Token.Times(kernel, SparsityMode.Dense),
            launches.Token.Times(kernel, SparsityMode.Exact),
            launches.Token.Times(kernel, SparsityMode.Predicted),
            kernel is DeviceKernel { NeedsTensorCores: true },
            launches.Together?.Times(kernel, SparsityMode.Dense) ?? 0))];
    }
}
