using System.Globalization;
using System.Net;
using System.Text;
using static System.FormattableString;

namespace SparseInfer.Cli.Eval;

/// <summary>
/// An evaluation as one page for browsers: a curve of quality against bytes, tables, a heat map of layers. It needs no network and no
/// script, and what colours say stands there as text too.
/// </summary>
internal static class HtmlReport
{
    /// <summary>How many colours and marks there are; more families begin again.</summary>
    private const int Styles = 6;

    private const string Css = """
        :root { color-scheme: light dark; --text: #1a1a1a; --ground: #fff; --line: #c9ccd1; --soft: #5a5f66; --heat: #2f6fdb; --wrong: #d9480f;
          --c0: #1f5fbf; --c1: #b4410a; --c2: #1d7a46; --c3: #8a2f9e; --c4: #7a5c00; --c5: #a3195b; }
        @media (prefers-color-scheme: dark) { :root { --text: #e8e8e8; --ground: #15171a; --line: #43484f; --soft: #a5abb3; --heat: #4f8df5; --wrong: #f0702c;
          --c0: #7fb0ff; --c1: #ff9a5c; --c2: #6fd39a; --c3: #d99bea; --c4: #e0c04a; --c5: #ff8fc0; } }
        body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
        .scroll { overflow-x: auto; margin: 1rem 0; } .scroll:focus-visible { outline: 2px solid var(--heat); }
        table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
        th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: right; white-space: nowrap; } th:first-child { text-align: left; } th[scope=row] { font-weight: 500; }
        td.heat { background: color-mix(in srgb, var(--heat) calc(var(--share) * 55%), transparent); } td.wrong { background: color-mix(in srgb, var(--wrong) calc(var(--share) * 55%), transparent); }
        svg { width: 100%; height: auto; max-width: 56rem; } svg text { fill: var(--text); font: 13px system-ui, sans-serif; } svg .grid { stroke: var(--line); stroke-width: 1; }
        figure { margin: 1rem 0; } figcaption, .soft { color: var(--soft); font-size: .875rem; } code { font-size: .9em; }
        .s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); } .s4 { --c: var(--c4); } .s5 { --c: var(--c5); }
        .curve { fill: none; stroke: var(--c); stroke-width: 2; } .mark { fill: var(--c); stroke: var(--ground); stroke-width: 1; }
        """;

    /// <summary>Writes the page.</summary>
    public static string Write(Evaluation evaluation)
    {
        var text = new StringBuilder();
        string title = Encode($"Sparsity policies of {Path.GetFileName(evaluation.ModelFilename)}");
        text.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        text.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
        text.Append($"<title>{title}</title>\n<style>\n{Css}\n</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>");
        text.Append(evaluation.TextFilename is { } file ? Invariant($"{evaluation.Tokens} tokens of {Encode(Path.GetFileName(file))} in windows of {evaluation.Window}{EvalReport.OfPrompts(evaluation)}. ") : "");
        text.Append(evaluation.ChoicesFilename is { } asked ? Invariant($"{evaluation.Questions} questions of {Encode(Path.GetFileName(asked))}. ") : "");
        text.Append($"Computed on {Encode(evaluation.CpuInfo)}.</p>\n");
        if (evaluation.TextFilename is not null)
        {
            Curve(text, "Perplexity", "perplexity over the dense model's, logarithmic", evaluation.Runs, run => run.PerplexityOfDense, new LogAxis());
        }

        if (evaluation.ChoicesFilename is not null)
        {
            Curve(text, "Accuracy", "share of questions answered rightly (acc)", evaluation.Runs, run => run.Acc, new LinearAxis());
        }

        Policies(text, evaluation);
        if (evaluation.PplSparsity is { } reached)
        {
            PplRows(text, evaluation, reached);
        }

        Layers(text, [.. evaluation.Runs.Skip(1)]);
        return text.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Policies(StringBuilder text, Evaluation evaluation)
    {
        EvalReport.Column[] columns = [.. EvalReport.Columns(evaluation)];
        text.Append("<h2>Policies</h2>\n<div class=\"scroll\" role=\"region\" aria-label=\"Table of policies\" tabindex=\"0\">\n<table>\n");
        text.Append("<caption>Quality and bytes of each policy; shares are means over layers</caption>\n<thead><tr><th scope=\"col\">policy</th>");
        text.AppendJoin("", columns.Select(column => $"<th scope=\"col\">{Encode(column.Name)}</th>")).Append("</tr></thead>\n<tbody>\n");
        foreach (EvaluationRun run in evaluation.Runs)
        {
            text.Append($"<tr><th scope=\"row\"><code>{Encode(run.Policy)}</code></th>").AppendJoin("", columns.Select(column => $"<td>{column.Value(run)}</td>")).Append("</tr>\n");
        }

        text.Append("</tbody>\n</table>\n</div>\n");
        text.AppendJoin("", EvalReport.Notes(evaluation).Select(note => $"<p>{Encode(note)}</p>\n"));
    }

    private static void PplRows(StringBuilder text, Evaluation evaluation, IReadOnlyList<PplSparsity> reached)
    {
        string[] heads = EvalReport.PplHeads(evaluation);
        text.Append($"<div class=\"scroll\" role=\"region\" aria-label=\"Sparsity {Encode(heads[0])}\" tabindex=\"0\">\n<table>\n<caption>Sparsity {Encode(heads[0])}</caption>\n<thead><tr><th scope=\"col\">policies</th>");
        text.AppendJoin("", heads.Skip(1).Select(head => $"<th scope=\"col\">{Encode(head)}</th>")).Append("</tr></thead>\n<tbody>\n");
        foreach (string[] cells in reached.Select(EvalReport.PplCells))
        {
            text.Append($"<tr><th scope=\"row\"><code>{Encode(cells[0])}</code></th>").AppendJoin("", cells.Skip(1).Select(cell => $"<td>{cell}</td>")).Append("</tr>\n");
        }

        text.Append("</tbody>\n</table>\n</div>\n");
    }

    private static void Layers(StringBuilder text, EvaluationRun[] runs)
    {
        // Wrong skips are few: their colours are relative to the worst.
        double worst = Math.Max(1e-9, runs.SelectMany(run => run.Layers).Max(layer => layer.WrongSkips));
        double farthest = Math.Max(1e-9, runs.SelectMany(run => run.Layers).Max(layer => layer.ContributionError ?? 0));
        text.Append(CultureInfo.InvariantCulture, $"<h2>Layers</h2>\n<p class=\"soft\">The stronger a cell's colour, the larger its share; of wrong skips and contribution errors, the nearer to the largest: {EvalReport.Share(worst, "0.00")}");
        text.Append(runs.Any(run => run.ContributionError is not null) ? $", {EvalReport.Share(farthest, "0.00")}" : "").Append(".</p>\n");
        foreach (EvaluationRun run in runs)
        {
            string policy = Encode(run.Policy);
            text.Append($"<div class=\"scroll\" role=\"region\" aria-label=\"Layers of {policy}\" tabindex=\"0\">\n<table>\n<caption><code>{policy}</code></caption>\n<thead><tr><th scope=\"col\">layer</th>");
            text.AppendJoin("", run.Layers.Select(layer => Invariant($"<th scope=\"col\">{layer.Layer}</th>"))).Append("</tr></thead>\n<tbody>\n");
            Row(text, "inactive", run, layer => layer.SparsityTrue);
            Row(text, "skipped unread", run, layer => layer.SparsityPredicted);
            Row(text, "precision", run, layer => layer.Precision);
            Row(text, "recall", run, layer => layer.Recall);
            Row(text, "wrongly", run, layer => layer.WrongSkips, worst, "0.00", "wrong");
            if (run.ContributionError is not null)
            {
                Row(text, "contribution error", run, layer => layer.ContributionError, farthest, "0.00", "wrong");
            }

            foreach (EvalReport.Skip skip in EvalReport.Skips(run))
            {
                Row(text, skip.Name, run, skip.OfLayer);
            }

            text.Append("</tbody>\n</table>\n</div>\n");
        }
    }

    private static void Row(
        StringBuilder text, string name, EvaluationRun run, Func<EvaluationLayer, double?> value, double most = 1, string format = "0.0", string style = "heat")
    {
        text.Append($"<tr><th scope=\"row\">{name}</th>");
        foreach (EvaluationLayer layer in run.Layers)
        {
            text.Append(value(layer) is { } share
                ? Invariant($"<td class=\"{style}\" style=\"--share:{Math.Clamp(share / most, 0, 1):0.###}\">{EvalReport.Share(share, format)}</td>")
                : "<td><span aria-label=\"none\">–</span></td>");
        }

        text.Append("</tr>\n");
    }

    /// <summary>Quality against bytes, a curve for each family of policies.</summary>
    private static void Curve(StringBuilder text, string name, string what, IReadOnlyList<EvaluationRun> runs, Func<EvaluationRun, double?> quality, Axis axis)
    {
        const double Left = 70, Right = 780, Top = 20, Bottom = 360;
        Point[] points = [.. runs.Select((run, i) => new Point(run, i == 0 ? "Dense" : run.Family, run.BytesOfDense, quality(run) ?? double.NaN))
            .Where(point => double.IsFinite(point.Y) && double.IsFinite(point.X))];
        int lost = runs.Count - points.Length;
        double most = Math.Max(1, points.Select(point => point.X).DefaultIfEmpty(1).Max());
        axis.Fit([.. points.Select(point => point.Y)]);
        var families = points.GroupBy(point => point.Family).ToArray();
        string list = string.Join("; ", points.Select(point => Invariant($"{point.Run.Policy}: {point.X * 100:0.0}% of the bytes, {axis.Text(point.Y)}")));
        string id = name.ToLowerInvariant();
        text.Append(CultureInfo.InvariantCulture, $"<h2>{name} against bytes</h2>\n<figure>\n<svg viewBox=\"0 0 800 {420 + (families.Length * 20)}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n");
        text.Append($"<title id=\"{id}-title\">{name} against bytes a token</title>\n<desc id=\"{id}-text\">{Encode(list)}</desc>\n");
        foreach (double tick in axis.Ticks())
        {
            text.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Right}\" y1=\"{Y(tick):0.#}\" y2=\"{Y(tick):0.#}\"/><text x=\"{Left - 8}\" y=\"{Y(tick) + 4:0.#}\" text-anchor=\"end\">{axis.Text(tick)}</text>\n");
        }

        for (int tick = 0; tick <= most * 100; tick += 20)
        {
            text.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{X(tick / 100.0):0.#}\" x2=\"{X(tick / 100.0):0.#}\" y1=\"{Top}\" y2=\"{Bottom}\"/><text x=\"{X(tick / 100.0):0.#}\" y=\"{Bottom + 18}\" text-anchor=\"middle\">{tick}%</text>\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Right) / 2}\" y=\"{Bottom + 38}\" text-anchor=\"middle\">bytes of weights a token, of dense</text>\n");
        for (int i = 0; i < families.Length; i++)
        {
            // A policy's strength orders its bytes.
            Point[] ordered = [.. families[i].OrderBy(point => point.X)];
            text.Append(CultureInfo.InvariantCulture, $"<g class=\"s{i % Styles}\">\n<polyline class=\"curve\" points=\"").AppendJoin(' ', ordered.Select(point => Invariant($"{X(point.X):0.#},{Y(point.Y):0.#}"))).Append("\"/>\n");
            foreach (Point point in ordered)
            {
                text.Append($"{Mark(i, X(point.X), Y(point.Y), $"{point.Run.Policy}: {axis.Text(point.Y)}")}\n");
            }

            double legend = Bottom + 58 + (i * 20);
            text.Append(Mark(i, Left + 6, legend - 4, null)).Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + 20}\" y=\"{legend}\">{Encode(families[i].Key)}</text>\n</g>\n");
        }

        text.Append($"</svg>\n<figcaption>{char.ToUpperInvariant(what[0])}{what[1..]}, against the bytes of all weights and predictors that a token reads: feed-forward, attention, head. Points of the same attributes are joined in the order of their bytes.");
        text.Append(lost > 0 ? Invariant($" Not drawn: {lost}, whose numbers are not finite.") : "").Append("</figcaption>\n</figure>\n");

        double X(double x) => Left + ((Right - Left) * x / most);
        double Y(double y) => Bottom - ((Bottom - Top) * axis.Place(y));
    }

    /// <summary>Families differ in form too, not by colour alone.</summary>
    private static string Mark(int family, double x, double y, string? title)
    {
        string form = (family % Styles) switch
        {
            0 => Invariant($"M{x - 5:0.#},{y:0.#}a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z"),
            1 => Invariant($"M{x - 5:0.#},{y - 5:0.#}h10v10h-10z"),
            2 => Invariant($"M{x:0.#},{y - 6:0.#}l6,11h-12z"),
            3 => Invariant($"M{x:0.#},{y - 7:0.#}l6,7l-6,7l-6,-7z"),
            4 => Invariant($"M{x:0.#},{y + 6:0.#}l6,-11h-12z"),
            _ => Invariant($"M{x - 2:0.#},{y - 6:0.#}h4v4h4v4h-4v4h-4v-4h-4v-4h4z"),
        };
        return $"<path class=\"mark\" d=\"{form}\">{(title is null ? "" : $"<title>{Encode(title)}</title>")}</path>";
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private sealed record Point(EvaluationRun Run, string Family, double X, double Y);

    /// <summary>How quality is drawn.</summary>
    private abstract class Axis
    {
        protected double Least { get; set; }

        protected double Most { get; set; }

        /// <summary>Makes room for values.</summary>
        public abstract void Fit(double[] values);

        /// <summary>From 0 at the bottom to 1 at the top.</summary>
        public abstract double Place(double value);

        public abstract IEnumerable<double> Ticks();

        public abstract string Text(double value);
    }

    /// <summary>Ratios, which spread over powers of ten where a policy ruins a model.</summary>
    private sealed class LogAxis : Axis
    {
        private const double MaxTicks = 8;

        private static readonly double[] Usual = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 5, 10, 20, 50, 100, 1e3, 1e4, 1e5, 1e6];

        public override void Fit(double[] values)
        {
            Least = Math.Max(1e-6, values.Append(1).Min() / 1.005);
            Most = Math.Max(values.Append(1).Max(), 1.01) * 1.005;
        }

        public override double Place(double value) => Math.Log(Math.Max(value, Least) / Least) / Math.Log(Most / Least);

        /// <summary>Usual numbers, none nearer to one before than labels are high.</summary>
        public override IEnumerable<double> Ticks()
        {
            double last = double.NegativeInfinity;
            foreach (double tick in Usual.Where(tick => tick >= Least && tick <= Most).Where(tick => tick == 1 || Math.Abs(Place(tick) - Place(1)) > 1 / (2 * MaxTicks)))
            {
                if (Place(tick) - last > 1 / (2 * MaxTicks))
                {
                    last = Place(tick);
                    yield return tick;
                }
            }
        }

        public override string Text(double value) => Invariant($"{value:0.###}×");
    }

    /// <summary>Shares.</summary>
    private sealed class LinearAxis : Axis
    {
        public override void Fit(double[] values) => (Least, Most) = (0, 1);

        public override double Place(double value) => value;

        public override IEnumerable<double> Ticks() => [0, 0.2, 0.4, 0.6, 0.8, 1];

        public override string Text(double value) => EvalReport.Share(value);
    }
}
