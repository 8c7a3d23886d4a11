namespace SparseInfer.Generators.Cpu;

/// <summary>The call of a policy's kernel; <c>slot, from, to, tally</c> are in scope.</summary>
internal static class CpuCall
{
    /// <param name="arguments">Values of the kernel's parameters.</param>
    public static string Of(FeedForwardPlan plan, string weights, CpuKernelEmitter kernel, IReadOnlyList<string> arguments)
    {
        string own = string.Concat(kernel.Parameters.Select((parameter, i) => $", {parameter.Name}: {arguments[i]}"));
        return $"{plan.ClassName}.{kernel.Name}<TMeter>({weights}, slot, from, to, ref tally{own});";
    }
}
