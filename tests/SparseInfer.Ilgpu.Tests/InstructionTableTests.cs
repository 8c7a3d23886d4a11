using System.Runtime.CompilerServices;
using System.Text;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.SoftwareCuda.Counting;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// What the fused kernels of each weight type execute and read for 16 bytes of weights, and the planner's registers: the tables in
/// docs/gpu-instructions.md. UPDATE_SNAPSHOTS=1 writes them anew, but never where CI=true.
/// </summary>
public sealed class InstructionTableTests
{
    private static readonly InstructionClass[] Copies = [InstructionClass.Move, InstructionClass.Branch, InstructionClass.Parameter];

    [Fact]
    public void The_table_of_counted_instructions_is_what_kernels_execute() => ShouldHold("counted", Counted());

    [Fact]
    public void The_table_of_registers_is_the_planners_and_no_kernel_has_more_than_128() => ShouldHold("registers", Registers());

    private static void ShouldHold(string section, string table)
    {
        string path = Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "docs", "gpu-instructions.md");
        string page = File.ReadAllText(path).ReplaceLineEndings("\n");
        string begin = $"<!-- {section} -->\n";
        int from = page.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = page.IndexOf($"<!-- /{section} -->\n", StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true")
        {
            File.WriteAllText(path, page[..from] + table + page[to..]);
            return;
        }

        page[from..to].ShouldBe(table, "UPDATE_SNAPSHOTS=1 writes the table anew");
    }

    private static string Registers()
    {
        var text = new StringBuilder($"| kernel | weights | {string.Join(" | ", RegisterTable.Widths)} |\n|---|---|{string.Concat(RegisterTable.Widths.Select(_ => "---:|"))}\n");
        foreach (KernelKind kind in Enum.GetValues<KernelKind>())
        {
            foreach (WeightType type in StoredFormat.Types)
            {
                int[] registers = [.. RegisterTable.Widths.Select(width => RegisterTable.Registers(kind, type, width))];
                registers.Max().ShouldBeLessThanOrEqualTo(128);
                RegisterTable.Registers(kind, type, 3072).ShouldBe(Math.Max(registers[1], registers[2]));
                text.Append($"| {kind} | {type} | {string.Join(" | ", registers)} |\n");
            }
        }

        return text.ToString();
    }

    private static string Counted()
    {
        using IlgpuDevice device = TestDevice.Open();
        var text = new StringBuilder();
        text.Append("| weights | kernel | loads of 16 bytes | instructions a load | of them products of bytes | floats | sectors a load |\n");
        text.Append("|---|---|---:|---:|---:|---:|---:|\n");
        foreach (WeightType type in StoredFormat.Types)
        {
            var layer = new LayerCase(2048, Math.Max(64, StoredFormat.For(type).BlockColumns), Activation.Relu, type, Gated: true, Biases: false, ReferencePolicy.None);
            var data = new LayerData(layer);
            (IlgpuFeedForwardPlan plan, string generated) = FeedForwardKernels.Emit(layer, DeviceTable.Find("xavier-nx-8"));
            using var uploaded = new UploadedLayer(device, layer, data);
            using var kernels = new FeedForwardKernels(device, FeedForwardKernels.Compile([generated]), plan);
            object weights = uploaded.As(kernels.Weights);
            foreach ((string kernel, object? parameter) in new[] { ("Dense", null), ("SignBit", (object?)SignBitThreshold.Of("1", layer.Hidden)) })
            {
                float[] x = data.Inputs[0].X;
                (_, int[] counts) = kernels.Run(kernel, weights, x, null, parameter, metered: true);
                LaunchCounters counted = TestDevice.Count(
                    device, () => kernels.Run(kernel, weights, x, null, parameter, metered: false)).ShouldHaveSingleItem();

                // Rows that are computed: first ones, and what followed them.
                int loads = (layer.Intermediate - counts[1] + counts[3]) * plan.Row.Words / RowPlan.Lanes;
                long sectors = MemoryOfFields.Of(counted, kernels.Weights).Where(field => !field.Key.EndsWith("Signs", StringComparison.Ordinal))
                    .Sum(field => field.Value.LoadedSectors);
                double Share(Func<InstructionClass, bool> isOf) =>
                    (double)counted.Instructions.Where(part => isOf(part.Key)).Sum(part => part.Value) / loads;
                text.Append(FormattableString.Invariant($"| {type} | {kernel} | {loads} | {Share(part => !Copies.Contains(part)):F1} | "));
                text.Append(FormattableString.Invariant($"{Share(part => part == InstructionClass.DotProduct):F1} | {Share(part => part == InstructionClass.Float):F1} | "));
                text.Append(FormattableString.Invariant($"{(double)sectors / loads:F1} |\n"));
            }
        }

        return text.ToString();
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
