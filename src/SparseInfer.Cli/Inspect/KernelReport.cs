extern alias generators;

using System.Text;
using System.Text.Json;
using generators::SparseInfer.Generators.Ilgpu;
using SparseInfer.Cli.Compilation;
using SparseInfer.SoftwareCuda;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Cli.Inspect;

/// <summary>The generated kernels: how they are launched, what their PTX needs, and what was counted in them.</summary>
/// <param name="declaration">The model.</param>
/// <param name="plan">Its plan.</param>
/// <param name="kernels">What was generated.</param>
/// <param name="counted">A token of a layer; null where nothing could be counted.</param>
/// <param name="whyNot">Then why.</param>
internal sealed class KernelReport(
    ModelDeclaration declaration,
    IlgpuDecoderPlan plan,
    IReadOnlyList<(KernelMethod Kernel, KernelPtx Ptx)> kernels,
    CountedRun? counted,
    string? whyNot)
{
    private const string RegisterNote = "registers are estimated from PTX; the driver's compiler decides";

    /// <summary>Columns of the table of instructions.</summary>
    private static readonly (string Name, InstructionClass[] Classes)[] Columns =
    [
        ("load", [InstructionClass.GlobalLoad, InstructionClass.GlobalStore]),
        ("shared", [InstructionClass.SharedLoad, InstructionClass.SharedStore]),
        ("float", [InstructionClass.Float]),
        ("dp4a", [InstructionClass.DotProduct]),
        ("mma", [InstructionClass.Matrix]),
        ("special", [InstructionClass.Special]),
        ("integer", [InstructionClass.Integer]),
        ("convert", [InstructionClass.Convert]),
        ("compare", [InstructionClass.Compare]),
        ("move", [InstructionClass.Move, InstructionClass.Parameter]),
        ("shuffle", [InstructionClass.Shuffle]),
        ("branch", [InstructionClass.Branch, InstructionClass.Barrier, InstructionClass.Atomic]),
    ];

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
        int width = kernels.Max(kernel => kernel.Kernel.Name.Length) + 2;
        Line($"{declaration.Name}, weights {string.Join(", ", declaration.Weights)}, planned for {plan.Target.Name}: {kernels.Count} kernels");
        string types = declaration.Weights.Count > 1 ? ", other weight types" : "";
        Line($"launches a token in dense, exact and predicted mode; 0: prompts, sequences together{types} and metering use it");
        Line(RegisterNote);
        foreach (IGrouping<string, (KernelMethod Kernel, KernelPtx Ptx)> type in kernels.GroupBy(kernel => kernel.Kernel.ClassName))
        {
            Line("");
            Line(type.Key);
            Line($"  {"kernel".PadRight(width)}{"threads",8}{"shared",8}{"registers",11}{"dense",7}{"exact",7}{"pred.",7}");
            foreach ((KernelMethod kernel, KernelPtx ptx) in type)
            {
                KernelUse use = Use(kernel);
                Line($"  {kernel.Name.PadRight(width)}{use.Threads,8}{ptx.SharedBytes,8}{ptx.Registers,11}{use.Dense,7}{use.Exact,7}{use.Predicted,7}");
            }
        }

        if (counted is null)
        {
            Line("");
            Line($"nothing was counted: {whyNot}");
            return text.ToString();
        }

        Line("");
        Line($"counted on the software CUDA device: {counted.What}");
        Line("");
        Line("sectors of 32 bytes that loads and stores touch, against the fewest that hold the bytes the lanes ask for");
        Line($"  {"kernel".PadRight(width)}{"launches",9}{"groups",8}{"asked KiB",11}{"sectors",9}{"fewest",9}{"conflicts",10}{"idle loads",11}");
        foreach (CountedKernel kernel in counted.Kernels)
        {
            Line($"  {kernel.Name.PadRight(width)}{kernel.Launches,9}{kernel.Groups,8}{kernel.BytesAsked / 1024.0,11:N1}"
                + $"{kernel.Sectors,9}{kernel.MinSectors,9}{kernel.BankConflicts,10}{kernel.IdleLoadShare,11:0.0%}");
        }

        Line("");
        Line("PTX instructions that warps execute: in all, to each 16 bytes that a lane loads, and the classes' share");
        Line($"  {"kernel".PadRight(width)}{"executed",9}{"per 16 B",10}{"idle",7}{string.Concat(Columns.Select(column => $"{column.Name,9}"))}");
        foreach (CountedKernel kernel in counted.Kernels)
        {
            Line($"  {kernel.Name.PadRight(width)}{kernel.Instructions,9}{kernel.InstructionsPer16Bytes,10:0.0}{kernel.IdleShare,7:0%}"
                + string.Concat(Columns.Select(column => $"{Share(kernel, column.Classes),9:0.0%}")));
        }

        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');
    }

    public string Json() => JsonSerializer.Serialize(
        new
        {
            Model = declaration.Name,
            Device = plan.Target.Name,
            Note = RegisterNote,
            Kernels = kernels.Select(pair =>
            {
                KernelUse use = Use(pair.Kernel);
                return new
                {
                    Class = pair.Kernel.ClassName,
                    pair.Kernel.Name,
                    use.Threads,
                    pair.Ptx.SharedBytes,
                    EstimatedRegisters = pair.Ptx.Registers,
                    Launches = new { use.Dense, use.Exact, use.Predicted },
                };
            }),
            WhyNotCounted = whyNot,
            Counters = counted is null ? null : new
            {
                Source = SoftwareCudaBackend.DeviceName,
                counted.What,
                Kernels = counted.Kernels.Select(kernel => new
                {
                    kernel.Name,
                    kernel.Launches,
                    kernel.Groups,
                    kernel.BytesAsked,
                    kernel.Sectors,
                    kernel.MinSectors,
                    kernel.BankConflicts,
                    kernel.IdleLoadShare,
                    kernel.Instructions,
                    kernel.InstructionsPer16Bytes,
                    kernel.IdleShare,
                    InstructionsByClass = kernel.InstructionsByClass.ToDictionary(
                        pair => Options.PropertyNamingPolicy!.ConvertName(pair.Key.ToString()), pair => pair.Value),
                }),
            },
        },
        Options) + "\n";

    private static double Share(CountedKernel kernel, InstructionClass[] classes) =>
        kernel.InstructionsByClass.Where(pair => classes.Contains(pair.Key)).Sum(pair => pair.Value) / (double)kernel.Instructions;

    /// <summary>The first declared type is the one whose fused kernels are launched.</summary>
    private KernelUse Use(KernelMethod kernel)
    {
        KernelUse[] uses = [.. _uses[kernel.Name]];
        int index = plan.FeedForwards.Select(feedForward => feedForward.ClassName).ToList().IndexOf(kernel.ClassName);
        return uses[Math.Min(Math.Max(0, index), uses.Length - 1)];
    }
}
