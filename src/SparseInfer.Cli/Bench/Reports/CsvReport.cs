using System.Text.Json.Nodes;

namespace SparseInfer.Cli.Bench.Reports;

/// <summary>A line of names and a line a run, as llama-bench's: every field but the samples, all in quotes.</summary>
internal static class CsvReport
{
    public static string Write(IReadOnlyList<BenchRun> runs)
    {
        IEnumerable<string> lines = runs.Take(1).Select(run => Line(Scalars(run).Select(field => field.Key), quoted: false))
            .Concat(runs.Select(run => Line(Scalars(run).Select(field => field.Value?.ToString() ?? ""), quoted: true)));
        return string.Concat(lines.Select(line => line + "\n"));
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Scalars(BenchRun run) =>
        JsonReport.Fields(run).Where(field => field.Value is not JsonArray);

    private static string Line(IEnumerable<string> values, bool quoted) =>
        string.Join(',', values.Select(value => quoted ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value));
}
