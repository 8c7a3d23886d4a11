using System.Globalization;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Bench.Reports;
using static System.FormattableString;

namespace SparseInfer.Cli.Eval;

/// <summary>An evaluation, for people and for programs.</summary>
internal static class EvalReport
{
    public static string Json(Evaluation evaluation) => JsonSerializer.Serialize(evaluation, JsonReport.Options) + "\n";

    /// <summary>Two tables: policies, then the layers of the policies.</summary>
    public static string Markdown(Evaluation evaluation)
    {
        var text = new StringBuilder();
        text.Append(evaluation.ModelFilename);
        text.Append(evaluation.TextFilename is null ? "" : Invariant($", {evaluation.Tokens} tokens of {evaluation.TextFilename} in windows of {evaluation.Window}{OfPrompts(evaluation)}"));
        text.Append(evaluation.ChoicesFilename is null ? ".\n\n" : Invariant($", {evaluation.Questions} questions of {evaluation.ChoicesFilename}.\n\n"));
        Column[] columns = [.. Columns(evaluation)];
        text.Append("| policy | ").AppendJoin(" | ", columns.Select(column => column.Name)).Append(" |\n");
        text.Append("|---|").AppendJoin("|", columns.Select(_ => "---:")).Append("|\n");
        foreach (EvaluationRun run in evaluation.Runs)
        {
            text.Append($"| {Cell(run.Policy)} | ").AppendJoin(" | ", columns.Select(column => column.Value(run))).Append(" |\n");
        }

        if (evaluation.PplSparsity is { } reached)
        {
            text.Append("\n| ").AppendJoin(" | ", PplHeads(evaluation)).Append(" |\n|---|---:|---:|---:|---:|\n");
            foreach (PplSparsity family in reached)
            {
                text.Append("| ").AppendJoin(" | ", PplCells(family).Select(Cell)).Append(" |\n");
            }
        }

        foreach (string note in Notes(evaluation))
        {
            text.Append('\n').Append(note).Append('\n');
        }

        Skip[] skips = [.. Skips(evaluation.Runs)];
        bool compared = evaluation.TextFilename is not null;
        text.Append("\n| policy | layer | inactive | skipped unread | precision | recall | wrongly |").Append(compared ? " contribution error |" : "").Append(string.Concat(skips.Select(skip => $" {skip.Name} |")));
        text.Append("\n|---|---:|---:|---:|---:|---:|---:|").Append(compared ? "---:|" : "").Append(string.Concat(skips.Select(_ => "---:|"))).Append('\n');
        foreach ((EvaluationRun run, EvaluationLayer layer) in evaluation.Runs.Skip(1).SelectMany(run => run.Layers.Select(layer => (run, layer))))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(run.Policy)} | {layer.Layer} | {Share(layer.SparsityTrue)} | {Share(layer.SparsityPredicted)} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Share(layer.Precision)} | {Share(layer.Recall)} | {Share(layer.WrongSkips, "0.00")} |");
            text.Append(compared ? Invariant($" {layer.ContributionError:0.0000} |") : "");
            text.Append(string.Concat(skips.Select(skip => $" {Share(skip.OfLayer(layer))} |"))).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What of windows is not judged.</summary>
    internal static string OfPrompts(Evaluation evaluation) => evaluation.Prompt == 0 ? "" : Invariant($", the first {evaluation.Prompt} of each a dense prompt");

    /// <summary>A column of the policies' table.</summary>
    /// <param name="Name">Its head.</param>
    /// <param name="Value">What it says of a policy.</param>
    internal sealed record Column(string Name, Func<EvaluationRun, string> Value);

    /// <summary>The columns: of text and questions those that were given.</summary>
    internal static IEnumerable<Column> Columns(Evaluation evaluation)
    {
        Column[] ofText =
        [
            new("perplexity", run => Invariant($"{run.Perplexity:0.0000}")),
            new("of dense", run => Invariant($"{run.PerplexityOfDense:0.0000}")),
            new("KL, nats", run => Invariant($"{run.KlDivergence:0.00000}")),
            new("top-1", run => Share(run.Top1Agreement)),
            new("contribution error", run => Invariant($"{run.ContributionError:0.0000}")),
        ];
        Column[] ofChoices = [new("acc", run => Share(run.Acc)), new("acc_norm", run => Share(run.AccNorm))];
        Column[] ofSpeed = [new("tokens/s", run => Invariant($"{run.TokensPerSecond:0.0}")), new("of dense", run => Invariant($"{run.SpeedOfDense:0.00}"))];
        return
        [
            .. evaluation.TextFilename is null ? [] : ofText,
            .. evaluation.ChoicesFilename is null ? [] : ofChoices,
            new("inactive", run => Share(run.SparsityTrue)),
            new("skipped unread", run => Share(run.SparsityPredicted)),
            new("wrongly", run => Share(run.WrongSkips, "0.00")),
            .. Skips(evaluation.Runs).Select(skip => new Column(skip.Name, run => Share(skip.Of(run)))),
            new("feed-forward MB/token", run => Invariant($"{run.FfnBytesPerToken / 1e6:0.000}")),
            new("of dense", run => Invariant($"{run.FfnBytesOfDense:0.000}")),
            new("MB/token", run => Invariant($"{run.BytesPerToken / 1e6:0.000}")),
            new("of dense", run => Invariant($"{run.BytesOfDense:0.000}")),
            .. evaluation.Runs[0].TokensPerSecond is null ? [] : ofSpeed,
        ];
    }

    /// <summary>Heads of the table of what keeps perplexity within the bound that was asked for.</summary>
    internal static string[] PplHeads(Evaluation evaluation) =>
        [Invariant($"within {evaluation.Ppl * 100:0.###}% of dense perplexity"), "inactive", "skipped unread", "feed-forward bytes of dense", "all bytes of dense"];

    /// <summary>What it says of policies with the same attributes.</summary>
    internal static string[] PplCells(PplSparsity family) =>
    [
        family.Policies + (family.SparsityTrue is null ? ": none" : family.IsBound ? ": at least" : ""),
        Share(family.SparsityTrue),
        Share(family.SparsityPredicted),
        Invariant($"{family.FfnBytesOfDense:0.000}"),
        Invariant($"{family.BytesOfDense:0.000}"),
    ];

    /// <summary>What has to be known beside the numbers: which of them are not of all words.</summary>
    internal static IEnumerable<string> Notes(Evaluation evaluation) => evaluation.Runs.Where(run => run.RuledOutMass > 0).Select(run =>
        $"{run.Policy} gives {Share(run.RuledOut, "0.00")} of the text's tokens no logit, and words that have {Share(run.RuledOutMass, "0.00")} of the dense model's "
        + "probability: perplexity and KL are of the others.");

    /// <summary>What some policies skip beside neurons: a column where one does.</summary>
    /// <param name="Name">Its head.</param>
    /// <param name="Of">The share of a policy; null: it looks at none.</param>
    /// <param name="OfLayer">Of a layer.</param>
    internal sealed record Skip(string Name, Func<EvaluationRun, double?> Of, Func<EvaluationLayer, double?> OfLayer);

    private static readonly Skip[] BesideNeurons =
    [
        new("heads skipped", run => run.SkippedHeads, layer => layer.SkippedHeads),
        new("inputs skipped", run => run.SkippedInputs, layer => layer.SkippedInputs),
    ];

    /// <summary>Those that any of some policies skips.</summary>
    internal static IEnumerable<Skip> Skips(params IReadOnlyList<EvaluationRun> runs) => BesideNeurons.Where(skip => runs.Any(run => skip.Of(run) is not null));

    /// <summary>Text of C# may have what ends a cell.</summary>
    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);

    internal static string Share(double? share, string format = "0.0") =>
        share is { } value ? (value * 100).ToString(format, CultureInfo.InvariantCulture) + "%" : "";
}
