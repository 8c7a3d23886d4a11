using System.Globalization;
using System.Text;

namespace SparseInfer.Cli.Bench.Reports;

/// <summary>llama-bench's table, and beside its columns what the rate is to be seen with: sparsity, bytes, the machine's share.</summary>
internal static class MarkdownReport
{
    private const double Mega = 1e6;

    private sealed record Column(string Name, Func<BenchRun, string> Value, bool Text = false);

    private static readonly Column[] Columns =
    [
        new("model", run => run.ModelType, Text: true),
        new("size", run => Format($"{run.ModelSize / 1073741824.0:0.00} GiB")),
        new("params", run => Format($"{run.ModelNParams / 1e9:0.00} B")),
        new("backend", run => run.Backends, Text: true),
        new("threads", run => Format($"{run.NThreads}")),
        new("mode", run => run.Mode, Text: true),
        new("test", run => run.Test),
        new("t/s", run => Format($"{run.AvgTs:0.00} ± {run.StddevTs:0.00}")),
        new("a session", run => Number(run.NSessions > 1 ? run.SessionTs : null, "0.00")),
        new("of dense", run => Number(run.OfDense, "0.00", "x")),
        new("bound", run => Number(run.OfDenseBound, "0.00", "x")),
        new("sparsity", run => Share(run.SparsityTrue)),
        new("predicted", run => Share(run.SparsityPredicted)),
        new("union", run => Share(run.UnionShare)),
        new("MB/token", run => Number(run.BytesPerToken / Mega, "0.0")),
        new("GB/s", run => Number(run.GbPerS, "0.0")),
        new("of probe", run => Share(run.BandwidthShare)),
        new("of FMA peak", run => Share(run.FlopsShare)),
        new("ffn ms", run => Number(run.FfnNsPerToken / Mega, "0.000")),
        new("predictor ms", run => Number(run.PredictorNsPerToken / Mega, "0.000")),
    ];

    public static string Write(IReadOnlyList<BenchRun> runs)
    {
        var text = new StringBuilder();
        BenchRun first = runs[0];
        string probes = string.Join("; ", runs.GroupBy(run => run.NThreads).Select(group =>
            Format($"{group.Key} threads read {group.Average(run => run.ProbeGbPerS):0.0} GB/s, ")
            + Format($"FMA peak {group.Average(run => run.FmaPeakGflops):0} GFLOPS")));
        text.Append(CultureInfo.InvariantCulture, $"{first.CpuInfo}: {probes}.\n");
        if (first.Synthetic)
        {
            string differs = first.Differs is { } what ? $" Declared with {what}." : "";
            text.Append($"Weights are synthetic: the shape is a published model's, sparsity and values are made up.{differs}\n");
        }

        if (first.Policy.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"Predicted mode: {first.Policy}.\n");
        }

        text.Append('\n');
        int[] widths = [.. Columns.Select(column => Math.Max(column.Name.Length, runs.Max(run => column.Value(run).Length)))];
        Append(text, (column, width) => Pad(column, column.Name, width));
        Append(text, (column, width) => column.Text ? new string('-', width) : new string('-', width - 1) + ":");
        foreach (BenchRun run in runs)
        {
            Append(text, (column, width) => Pad(column, column.Value(run), width));
        }

        return text.ToString();

        void Append(StringBuilder to, Func<Column, int, string> cell)
        {
            to.Append("| ").AppendJoin(" | ", Columns.Select((column, i) => cell(column, widths[i]))).Append(" |\n");
        }
    }

    private static string Pad(Column column, string value, int width) => column.Text ? value.PadRight(width) : value.PadLeft(width);

    private static string Share(double? share) => Number(share * 100, "0.0", "%");

    private static string Number(double? number, string format, string unit = "") =>
        number is { } value ? value.ToString(format, CultureInfo.InvariantCulture) + unit : "";

    private static string Format(FormattableString text) => FormattableString.Invariant(text);
}
