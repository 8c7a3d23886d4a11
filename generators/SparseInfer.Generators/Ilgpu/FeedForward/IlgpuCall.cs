using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The launch of a policy's fused kernel; <c>kernels, config, w</c> are in scope.</summary>
internal static class IlgpuCall
{
    /// <param name="layer">What the count's first argument is, with a comma behind it; empty: it has none.</param>
    public static string Of(
        IlgpuFeedForwardPlan plan, PolicySpec policy, string input, string signs, string partial, string counts, string layer)
    {
        IlgpuKernelEmitter kernel = PolicyRegistry.For(policy).Ilgpu;
        string argument = Argument(plan, policy, kernel);
        int matrices = kernel.Signs(plan).Count;
        string arguments = $"config, w, {input}{(matrices > 0 ? $", {signs}" : "")}, {partial}";
        string plain = $"kernels.{FusedKernel.Name(kernel, metered: false)}({arguments}, default{argument});";
        string metered = $"kernels.{FusedKernel.Name(kernel, metered: true)}({arguments}, {counts}{argument});";
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
    public static string Together(IlgpuFeedForwardPlan plan, PolicySpec policy, string input, string signs, string activated)
    {
        IlgpuKernelEmitter kernel = PolicyRegistry.For(policy).Ilgpu;
        string signed = kernel.Signs(plan).Count > 0 ? $", {signs}" : "";
        return $"kernels.{TogetherKernel.Name(kernel)}(config, w, {input}{signed}, tokens, {activated}{Argument(plan, policy, kernel)});";
    }

    private static string Argument(IlgpuFeedForwardPlan plan, PolicySpec policy, IlgpuKernelEmitter kernel) =>
        kernel.Twin.Parameter is null ? "" : ", " + WithoutName(kernel.Twin.Argument(policy, plan.Shape));

    /// <summary>A delegate's parameters have no names of their own.</summary>
    private static string WithoutName(string argument) => argument.Substring(argument.IndexOf(": ", StringComparison.Ordinal) + 2);
}
