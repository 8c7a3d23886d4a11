using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Bench.Reports;
using SparseInfer.Cli.Synthetic;

namespace SparseInfer.Cli.Tests;

/// <summary>Sessions that generate together: what is measured of them.</summary>
public sealed class BenchSessionsTests
{
    private const double Sparsity = 0.9;

    [Fact]
    public void There_is_a_run_for_each_number_of_sessions_with_the_rates_of_all_and_what_they_need_together()
    {
        using var error = new StringWriter();
        using var progress = new ProgressLine(error, isTerminal: false);
        var options = new BenchOptions
        {
            Synthetic = new SyntheticRequest(SmallShapes.Of("tinyllama-1.1b"), "nothing", new ActivityTarget(Sparsity, 1, 1), Seed: 0),
            Prompts = [0],
            Generations = [6],
            Depths = [3],
            Threads = [2],
            Sessions = [1, 2, 16],
            Repetitions = 2,
            ProbeBytes = 1 << 24,
        };
        using BenchModel model = BenchModel.Prepare(options, options.Synthetic!.Declaration, progress, TestContext.Current.CancellationToken);
        IReadOnlyList<BenchRun> runs = new BenchRunner(options, model, progress, TestContext.Current.CancellationToken).Run();

        runs.Select(run => $"{run.Test} {run.Mode}").ShouldBe(
            from test in new[] { "tg6 @ d3", "tg6 x2 @ d3", "tg6 x16 @ d3" } from mode in new[] { "dense", "exact", "predicted" } select $"{test} {mode}");
        foreach (BenchRun run in runs)
        {
            run.SamplesTs.ShouldBe(run.SamplesNs.Select(ns => run.NSessions * 6 * 1e9 / ns));
            run.SessionTs.ShouldBe(run.MedianTs / run.NSessions, 1e-9);
            run.OfDense.ShouldNotBeNull();
            (run.UnionShare is null).ShouldBe(run.NSessions == 1);
            (run.BytesPerToken is null).ShouldBe(run.NSessions > 1);
        }

        // Tokens belong to 8 groups with neurons of their own each: two sessions need those of one group or of two, sixteen those of most.
        double Union(int sessions, string mode) => runs.Single(run => run.NSessions == sessions && run.Mode == mode).UnionShare!.Value;
        Union(2, "dense").ShouldBe(1);
        Union(16, "dense").ShouldBe(1);
        foreach (string mode in new[] { "exact", "predicted" })
        {
            Union(2, mode).ShouldBeInRange(1 - Sparsity - 0.01, 1 - (Sparsity * Sparsity) + 0.01);
            Union(16, mode).ShouldBeInRange(1 - Math.Pow(Sparsity, 5), 1 - Math.Pow(Sparsity, 8) + 0.01);
        }

        Union(16, "exact").ShouldBe(Union(16, "predicted"));
        string[] table = [.. MarkdownReport.Write(runs).TrimEnd('\n').Split('\n').SkipWhile(line => !line.StartsWith("| ", StringComparison.Ordinal))];
        table[0].ShouldContain(" a session |");
        table[0].ShouldContain(" union |");
        table.ShouldAllBe(line => line.Length == table[0].Length);
    }
}
