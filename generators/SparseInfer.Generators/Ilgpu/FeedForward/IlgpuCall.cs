using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The launch of a policy's fused kernel; <c>kernels, config, w</c> are in scope.</summary>
internal static class IlgpuCall
{
    /// <param name="code">The writer of the file.</param>
    /// <param name="arguments">Values of the kernel's own parameters.</param>
    /// <param name="own">Where what the kernel reads of a token is.</param>
    /// <param name="vector">Where what it reads of a layer's vectors is.</param>
    /// <param name="hasDown">Whether the kernel goes on to down.</param>
    /// <param name="layer">What the count's first argument is, with a comma behind it; empty: it has none.</param>
    /// <param name="metering">Whether kernels shall count, as C#; null: they never do.</param>
    /// <param name="experts">Where the chosen experts are, and how many a token has; null: there are none.</param>
    /// <param name="tokens">How many tokens there are, as C#: only experts may have several.</param>
    /// <param name="gates">Where gates and their cut are, in layers that have them before any is activated.</param>
    public static string Of(
        CodeWriter code,
        IlgpuFeedForwardPlan plan,
        IlgpuKernelEmitter kernel,
        IReadOnlyList<string> arguments,
        string input,
        Func<TokenData, string> own,
        Func<Tensor, string> vector,
        string partial,
        string counts,
        string layer,
        bool hasDown = true,
        string? metering = "Metering",
        (string Chosen, int Active)? experts = null,
        string tokens = "1",
        string gates = "")
    {
        string values = More(arguments.Skip(kernel.InputParameters));
        string common = $"config, w, {(experts is { } chosen ? $"{chosen.Chosen}, " : "")}{input}{(plan.Shape.NeedsAllGates ? $", {gates}" : "")}{More(kernel.Reads(plan).Select(own).Concat(kernel.Vectors(plan.Shape).Select(vector)))}, {partial}";
        string plain = $"kernels.{FusedKernel.Name(kernel, metered: false, hasDown)}({common}, default{values});";
        string metered = $"kernels.{FusedKernel.Name(kernel, metered: true, hasDown)}({common}, {counts}{values});";
        string count = $"Count({layer}rowBytes: {plan.ClassName}.RowBytes, "
            + $"predictorBytes: {kernel.PredictorBytes(plan) * (experts?.Active ?? 1)}{(hasDown ? "" : ", downRowBytes: DownRowBytes(layer)")});";
        string before = Input(code, plan, kernel, arguments, input, own, tokens);
        return metering is null ? before + plain : before + $$"""
            if ({{metering}})
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

    /// <summary>The launch for several tokens; <c>tokens</c> is in scope too, and <c>cuts</c> where gates are there before.</summary>
    public static string Together(
        CodeWriter code,
        IlgpuFeedForwardPlan plan,
        IlgpuKernelEmitter kernel,
        IReadOnlyList<string> arguments,
        string input,
        Func<TokenData, string> own,
        Func<Tensor, string> vector,
        string activated)
    {
        IEnumerable<string> reads = kernel.Reads(plan).Select(own).Concat(kernel.Vectors(plan.Shape).Select(vector));
        return Input(code, plan, kernel, arguments, input, own, "tokens")
            + $"kernels.{TogetherKernel.Name(kernel)}(config, w, {input}{(plan.Shape.NeedsAllGates ? ", cuts" : "")}{More(reads)}, tokens, {activated}{More(arguments.Skip(kernel.InputParameters))});";
    }

    /// <summary>The launch that makes what the kernel reads of tokens, a line of its own; empty: there is none.</summary>
    private static string Input(
        CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter kernel, IReadOnlyList<string> arguments, string input, Func<TokenData, string> own, string tokens) =>
        kernel.Input(code, plan) is not { } launch ? ""
            : $"kernels.{launch.Name}(new KernelConfig({tokens}, {launch.Threads}), {input}{More(kernel.Reads(plan).Select(own))}{More(arguments.Take(kernel.InputParameters))});\n";

    /// <summary>Further arguments: a delegate's have no names.</summary>
    private static string More(IEnumerable<string> arguments) => string.Concat(arguments.Select(argument => ", " + argument));
}
