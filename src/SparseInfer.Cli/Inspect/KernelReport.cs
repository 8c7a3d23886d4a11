extern alias generators;

using System.Text;
using System.Text.Json;
using generators::SparseInfer.Generators.Emit.Ilgpu;
using generators::SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Inspect;

/// <summary>The generated kernels: how they are launched, and what the stand-in counted in them.</summary>
/// <param name="declaration">The model.</param>
/// <param name="plan">Its plan.</param>
/// <param name="kernels">What was generated.</param>
/// <param name="counted">A token on the stand-in; null: there is none.</param>
internal sealed class KernelReport(
    ModelDeclaration declaration, IlgpuDecoderPlan plan, IReadOnlyList<KernelMethod> kernels, CountedRun? counted)
{
    private const string NoStandIn =
        "No counters: this tool was built with ILGPU itself; the stand-in that counts is part of the repository's tests.";

    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Several weight types have a class each; what a kernel is launched with is the same in all that have it.
    private readonly ILookup<string, KernelUse> _uses = KernelTable.Of(plan).ToLookup(use => use.Name);

    public string Text()
    {
        var text = new StringBuilder();
        int width = kernels.Max(kernel => kernel.Name.Length) + 2;
        Line($"{declaration.Name}, weights {string.Join(", ", declaration.Weights)}, planned for {plan.Target.Name}: "
            + $"{kernels.Count} kernels");
        string types = declaration.Weights.Count > 1 ? ", other weight types" : "";
        Line($"launches a token in dense, exact and predicted mode; 0: prompts{types} and metering use it");
        foreach (IGrouping<string, KernelMethod> type in kernels.GroupBy(kernel => kernel.ClassName))
        {
            Line("");
            Line(type.Key);
            Line($"  {"kernel".PadRight(width)}{"threads",8}{"shared",8}{"dense",7}{"exact",7}{"pred.",7}");
            foreach (KernelMethod kernel in type)
            {
                KernelUse use = Use(kernel);
                Line($"  {kernel.Name.PadRight(width)}{use.Threads,8}{kernel.SharedBytes,8}{use.Dense,7}{use.Exact,7}{use.Predicted,7}");
            }
        }

        Line("");
        if (counted is null)
        {
            Line(NoStandIn);
            return text.ToString();
        }

        Line($"counted by the stand-in: {counted.What}");
        Line($"sectors of 32 bytes that loads and stores touch, against the fewest that hold the bytes the lanes ask for");
        Line($"  {"kernel".PadRight(width)}{"launches",9}{"groups",8}{"asked KiB",11}{"sectors",9}{"fewest",9}"
            + $"{"conflicts",10}{"idle lanes",11}");
        foreach (CountedKernel kernel in counted.Kernels)
        {
            Line($"  {kernel.Name.PadRight(width)}{kernel.Launches,9}{kernel.Groups,8}{kernel.BytesAsked / 1024.0,11:N1}"
                + $"{kernel.Sectors,9}{kernel.FewestSectors,9}{kernel.BankConflicts,10}{kernel.IdleShare,11:0.0%}");
        }

        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');
    }

    public string Json() => JsonSerializer.Serialize(
        new
        {
            Model = declaration.Name,
            Device = plan.Target.Name,
            Kernels = kernels.Select(kernel =>
            {
                KernelUse use = Use(kernel);
                return new
                {
                    Class = kernel.ClassName,
                    kernel.Name,
                    use.Threads,
                    kernel.SharedBytes,
                    Launches = new { use.Dense, use.Exact, use.Predicted },
                };
            }),
            Counters = counted is null ? null : new { Source = "stand-in", counted.What, counted.Kernels },
            Note = counted is null ? NoStandIn : null,
        },
        Options) + "\n";

    /// <summary>The first declared type is the one whose fused kernels are launched.</summary>
    private KernelUse Use(KernelMethod kernel)
    {
        KernelUse[] uses = [.. _uses[kernel.Name]];
        int index = plan.FeedForwards.Select(feedForward => feedForward.ClassName).ToList().IndexOf(kernel.ClassName);
        return uses[Math.Min(Math.Max(0, index), uses.Length - 1)];
    }
}
