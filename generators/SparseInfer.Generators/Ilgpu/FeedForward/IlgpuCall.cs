namespace SparseInfer.Generators.Ilgpu;

/// <summary>The launch of a policy's fused kernel; <c>kernels, config, w</c> are in scope.</summary>
internal static class IlgpuCall
{
    /// <param name="arguments">Values of the kernel's own parameters.</param>
    /// <param name="layer">What the count's first argument is, with a comma behind it; empty: it has none.</param>
    public static string Of(
        IlgpuFeedForwardPlan plan,
        IlgpuKernelEmitter kernel,
        IReadOnlyList<string> arguments,
        string input,
        string signs,
        string partial,
        string counts,
        string layer)
    {
        string own = Own(arguments);
        int matrices = kernel.Signs(plan).Count;
        string common = $"config, w, {input}{(matrices > 0 ? $", {signs}" : "")}, {partial}";
        string plain = $"kernels.{FusedKernel.Name(kernel, metered: false)}({common}, default{own});";
        string metered = $"kernels.{FusedKernel.Name(kernel, metered: true)}({common}, {counts}{own});";
        string count = $"Count({layer}rowBytes: {plan.ClassName}.RowBytes, "
            + $"predictorBytes: {matrices * plan.SignWords * 16L * plan.Intermediate});";
        return $$"""
            if (Metering)
            {
                {{metered}}
                {{count}}
            }
            else
            {
                {{plain}}
            }

            """;
    }

    /// <summary>The launch for several tokens; <c>tokens</c> is in scope too.</summary>
    public static string Together(
        IlgpuFeedForwardPlan plan, IlgpuKernelEmitter kernel, IReadOnlyList<string> arguments, string input, string signs, string activated)
    {
        string signed = kernel.Signs(plan).Count > 0 ? $", {signs}" : "";
        return $"kernels.{TogetherKernel.Name(kernel)}(config, w, {input}{signed}, tokens, {activated}{Own(arguments)});";
    }

    /// <summary>Values of the kernel's own parameters: a delegate's have no names.</summary>
    private static string Own(IReadOnlyList<string> arguments) => string.Concat(arguments.Select(argument => ", " + argument));
}
