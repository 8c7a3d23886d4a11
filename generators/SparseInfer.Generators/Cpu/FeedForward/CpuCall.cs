using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies;

namespace SparseInfer.Generators.Cpu;

/// <summary>The call of a policy's kernel; <c>slot, from, to, tally</c> are in scope.</summary>
internal static class CpuCall
{
    public static string Of(FeedForwardPlan plan, string weights, PolicySpec policy)
    {
        CpuKernelEmitter kernel = PolicyRegistry.For(policy).Cpu;
        string argument = kernel.Parameter is null ? "" : ", " + kernel.Argument(policy, plan);
        return $"{plan.ClassName}.{kernel.MethodName}<TMeter>({weights}, slot, from, to, ref tally{argument});";
    }
}
