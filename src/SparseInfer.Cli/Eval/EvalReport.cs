using System.Globalization;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Bench.Reports;

namespace SparseInfer.Cli.Eval;

/// <summary>An evaluation, for people and for programs.</summary>
internal static class EvalReport
{
    public static string Json(Evaluation evaluation) => JsonSerializer.Serialize(evaluation, JsonReport.Options) + "\n";

    /// <summary>Two tables: policies, then the layers of the policies.</summary>
    public static string Markdown(Evaluation evaluation)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{evaluation.ModelFilename}, {evaluation.Tokens} tokens of {evaluation.TextFilename} in windows of {evaluation.Window}.\n\n");
        text.Append("| policy | perplexity | of dense | KL, nats | top-1 | inactive | skipped unread | wrongly | feed-forward MB/token | of dense |\n");
        text.Append("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        foreach (EvaluationRun run in evaluation.Runs)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(run.Policy)} | {run.Perplexity:0.0000} | {run.PerplexityOfDense:0.0000} | {run.KlDivergence:0.00000} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Share(run.Top1Agreement)} | {Share(run.SparsityTrue)} | {Share(run.SparsityPredicted)} | {Share(run.WrongSkips, "0.00")} ");
            text.Append(CultureInfo.InvariantCulture, $"| {run.FfnBytesPerToken / 1e6:0.000} | {run.FfnBytesOfDense:0.000} |\n");
        }

        text.Append("\n| policy | layer | inactive | skipped unread | precision | recall | wrongly |\n|---|---:|---:|---:|---:|---:|---:|\n");
        foreach ((EvaluationRun run, EvaluationLayer layer) in evaluation.Runs.Skip(1).SelectMany(run => run.Layers.Select(layer => (run, layer))))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(run.Policy)} | {layer.Layer} | {Share(layer.SparsityTrue)} | {Share(layer.SparsityPredicted)} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Share(layer.Precision)} | {Share(layer.Recall)} | {Share(layer.WrongSkips, "0.00")} |\n");
        }

        return text.ToString();
    }

    /// <summary>Text of C# may have what ends a cell.</summary>
    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);

    private static string Share(double? share, string format = "0.0") =>
        share is { } value ? (value * 100).ToString(format, CultureInfo.InvariantCulture) + "%" : "";
}
