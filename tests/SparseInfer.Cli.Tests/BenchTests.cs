using System.Text.Json;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Bench.Reports;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary>What a benchmark measures, and how it is written.</summary>
public sealed class BenchTests(MeasuredRuns measured) : IClassFixture<MeasuredRuns>
{
    /// <summary>Fields that llama-bench has, and fields that readers of the results rely on.</summary>
    private static readonly string[] Fields =
    [
        "backends", "cpu_info", "gpu_info", "model_filename", "model_type", "model_size", "model_n_params", "type_k", "type_v", "n_threads",
        "n_prompt", "n_gen", "n_depth", "test_time", "mode", "policy", "weight_type", "synthetic", "differs", "avg_ns", "stddev_ns", "median_ns",
        "avg_ts", "stddev_ts", "median_ts", "samples_ns", "samples_ts", "sparsity_true", "sparsity_predicted", "precision", "recall",
        "bytes_per_token", "gb_per_s", "probe_gb_per_s", "bandwidth_share", "fma_peak_gflops", "flops_share", "ffn_ns_per_token",
        "of_dense", "of_dense_bound", "n_sessions", "session_ts", "union_share", "predictor_ns_per_token", "allocated_bytes_per_token", "load_seconds", "resident_bytes", "test",
    ];

    private IReadOnlyList<BenchRun> Runs => measured.Runs;

    [Fact]
    public void There_is_a_run_for_each_test_threads_depth_and_mode_and_prompts_have_no_modes() =>
        Runs.Select(run => $"{run.NThreads} {run.Test} {run.Mode}").ShouldBe(
        [
            .. from threads in new[] { 1, 2 }
               from depth in new[] { "", " @ d40" }
               from test in new[] { $"pp16{depth} dense", $"tg6{depth} dense", $"tg6{depth} exact", $"tg6{depth} predicted" }
               select $"{threads} {test}",
        ]);

    [Fact]
    public void Samples_are_kept_and_their_statistics_follow_from_them()
    {
        foreach (BenchRun run in Runs)
        {
            run.SamplesNs.Count.ShouldBe(3);
            run.SamplesTs.ShouldBe(run.SamplesNs.Select(ns => (run.NPrompt + run.NGen) * 1e9 / ns));
            run.MedianNs.ShouldBe(run.SamplesNs.Order().ElementAt(1));
            run.AvgTs.ShouldBe(run.SamplesTs.Average(), 1e-9);
            run.ProbeGbPerS.ShouldBeGreaterThan(0);
            run.FmaPeakGflops.ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public void Sparsity_is_measured_and_not_what_was_asked_for()
    {
        foreach (BenchRun run in Runs.Where(run => run.NGen > 0))
        {
            run.SparsityTrue!.Value.ShouldBe(0.9, 0.012);
            run.SparsityTrue.Value.ShouldNotBe(0.9);
            bool predicts = run.Mode == "predicted";
            (run.Precision is not null && run.Recall is not null && run.SparsityPredicted is not null).ShouldBe(predicts);
            (run.PredictorNsPerToken is > 0).ShouldBe(predicts);
            run.FfnNsPerToken!.Value.ShouldBeGreaterThan(run.PredictorNsPerToken ?? 0);
        }
    }

    [Fact]
    public void A_token_reads_all_weights_but_those_that_are_skipped_and_the_cache_up_to_itself()
    {
        BenchRun dense = Runs.First(run => run is { NGen: > 0, Mode: "dense", NDepth: 0 });
        const int D = 1024, K = 1024, Layers = 2, Vocabulary = 128, KeyValueWidth = 256;
        const double Attention = Layers * 2.0 * D * ((2 * D) + (2 * KeyValueWidth));
        const double FeedForward = Layers * 2.0 * 3 * D * K;
        const double Head = 2.0 * D * (Vocabulary + 1);
        const double CachePosition = Layers * 2.0 * 4 * KeyValueWidth;
        dense.BytesPerToken!.Value.ShouldBe(Attention + FeedForward + Head + (CachePosition * 3.5), 1);

        BenchRun deep = Runs.First(run => run is { NGen: > 0, Mode: "dense", NDepth: 40 });
        (deep.BytesPerToken!.Value - dense.BytesPerToken.Value).ShouldBe(CachePosition * 40, 1);

        BenchRun predicted = Runs.First(run => run is { NGen: > 0, Mode: "predicted", NDepth: 0 });
        double mistaken = predicted.SparsityPredicted!.Value * (1 - predicted.Precision!.Value);
        double read = (1 - predicted.SparsityPredicted.Value) + (2 * (1 - predicted.SparsityTrue!.Value - mistaken));
        double sparse = Layers * ((2.0 * D * K * read) + (D / 8.0 * K));
        (predicted.BytesPerToken!.Value - (dense.BytesPerToken.Value - FeedForward)).ShouldBe(sparse, 1);
        predicted.GbPerS!.Value.ShouldBe(predicted.BytesPerToken.Value * 6 / predicted.MedianNs, 1e-6);
        predicted.BandwidthShare!.Value.ShouldBe(predicted.GbPerS.Value / predicted.ProbeGbPerS, 1e-9);
    }

    [Fact]
    public void What_a_mode_gains_stands_beside_the_most_that_its_sparsity_allows()
    {
        foreach (BenchRun run in Runs.Where(run => run.NGen > 0))
        {
            BenchRun dense = Runs.Single(other => (other.Test, other.NThreads, other.Mode) == (run.Test, run.NThreads, "dense"));
            run.OfDense!.Value.ShouldBe((double)dense.MedianNs / run.MedianNs, 1e-6);
            const double Matrix = 2 * 2.0 * 1024 * 1024;
            double spared = run.SparsityTrue!.Value * Matrix * (run.Mode switch { "dense" => 0, "exact" => 2, _ => 3 });
            run.OfDenseBound!.Value.ShouldBe(dense.BytesPerToken!.Value / (dense.BytesPerToken.Value - spared), 1e-6);
        }

        Runs.Where(run => run.NPrompt > 0).ShouldAllBe(run => run.OfDense == null && run.OfDenseBound == null);
    }

    [Theory]
    [InlineData("afm-4.5b", 1.55, 3.48)]
    [InlineData("jais-2-8b", 1.51, 3.05)]
    [InlineData("nemotron-mini-4b", 1.32, 1.92)]
    public void The_bound_at_nine_tenths_follows_from_the_shape(string shape, double exact, double predicted)
    {
        ModelDeclaration model = NamedShape.Find(shape).Declaration;
        double matrix = (double)model.Layers * model.Hidden * model.Intermediate;
        double attention = 2.0 * model.Layers * model.Hidden * (model.QueryWidth + model.KeyValueWidth);
        double head = (double)model.Vocabulary * model.Hidden;

        ModelCost.Bound(SparsityMode.Exact, 0.9, attention + head, matrix, 0, matrix).ShouldBe(exact, 0.01);
        ModelCost.Bound(SparsityMode.Predicted, 0.9, attention + head, matrix, 0, matrix).ShouldBe(predicted, 0.01);
    }

    /// <summary>Of experts, those that compute a token are read, and all their parameters are there.</summary>
    [Fact]
    public void The_bound_of_experts_follows_from_those_that_are_chosen()
    {
        ModelDeclaration model = NamedShape.Find("smallthinker-4b").Declaration;
        double matrix = (double)model.Layers * model.ActiveExperts * model.Hidden * model.Intermediate;
        double attention = 2.0 * model.Layers * model.Hidden * (model.QueryWidth + model.KeyValueWidth);
        double head = (double)model.Vocabulary * model.Hidden;
        ModelCost.Bound(SparsityMode.Exact, 0.9, attention + head, matrix, matrix, matrix).ShouldBe(1.46, 0.01);
        ModelCost.Bound(SparsityMode.Predicted, 0.9, attention + head, matrix, matrix, matrix).ShouldBe(1.90, 0.01);

        ModelDeclaration small = SmallShapes.Of("smallthinker-4b");
        using ModelFile file = SmallShapes.Build(small, new ActivityTarget(0.9, 1, 1));
        var cost = new ModelCost(small, file);
        const double D = 1024, Layers = 2, Vocabulary = 128;
        const double Attention = Layers * 2 * D * ((2 * D) + (2 * 256));
        const double Routers = Layers * 4 * 4 * D;
        const double Head = 2 * D * (Vocabulary + 1);
        cost.WeightBytes.ShouldBe((long)(Attention + Routers + Head));
        cost.Parameters.ShouldBe((long)((Attention / 2) + (Routers / 4) + (Layers * 4 * 3 * D * D) + (Vocabulary * D) + (5 * D)));
        cost.BytesPerToken(new Activity(0, null, null, null, FeedForwardBytes: 1000, SkippedProjectionBytes: 100, HeadBytes: null)).ShouldBe(cost.WeightBytes + 900);
        cost.BytesPerToken(new Activity(0, null, null, null, 1000, 100, HeadBytes: 5000)).ShouldBe(Attention + Routers + (2 * D) + 900 + 5000);
        const double Read = Layers * 2 * 3 * 2 * D * D;
        double dense = cost.WeightBytes + Read;
        cost.Bound(SparsityMode.Predicted, new Activity(0.5, null, null, null, Read, 0, null), 0).ShouldBe(dense / (dense - (Read / 2)), 1e-9);
        cost.Bound(SparsityMode.Predicted, new Activity(0.5, null, null, null, Read, 1000, (2 * D * Vocabulary) - 3000), 0).ShouldBe(dense / (dense - (Read / 2) - 4000), 1e-9);
        cost.Bound(SparsityMode.Predicted, new Activity(0, null, null, null, Read / 4, 0, null), 0).ShouldBe(dense / (dense - (Read * 0.75)), 1e-9);
    }

    [Fact]
    public void Json_is_an_array_of_runs_with_every_field_and_nothing_that_is_no_number()
    {
        using JsonDocument json = JsonDocument.Parse(JsonReport.Write(Runs));
        json.RootElement.GetArrayLength().ShouldBe(Runs.Count);
        foreach (JsonElement run in json.RootElement.EnumerateArray())
        {
            run.EnumerateObject().Select(field => field.Name).ShouldBe(Fields, ignoreOrder: true);
            run.GetProperty("synthetic").GetBoolean().ShouldBeTrue();
            run.GetProperty("model_type").GetString()!.ShouldContain("synthetic weights");
            run.GetProperty("samples_ts").GetArrayLength().ShouldBe(3);
            run.GetProperty("test_time").GetDateTime().Kind.ShouldBe(DateTimeKind.Utc);
            bool decodes = run.GetProperty("n_gen").GetInt32() > 0;
            run.GetProperty("gb_per_s").ValueKind.ShouldBe(decodes ? JsonValueKind.Number : JsonValueKind.Null);
            run.GetProperty("flops_share").ValueKind.ShouldBe(decodes ? JsonValueKind.Null : JsonValueKind.Number);
        }
    }

    [Fact]
    public void Csv_has_a_line_of_names_and_as_many_values_in_each()
    {
        string[] lines = CsvReport.Write(Runs).TrimEnd('\n').Split('\n');
        lines.Length.ShouldBe(Runs.Count + 1);
        lines[0].Split(',').ShouldBe(Fields.Where(field => !field.StartsWith("samples", StringComparison.Ordinal)), ignoreOrder: true);
        lines.Skip(1).ShouldAllBe(line => line.Split("\",\"").Length == Fields.Length - 2);
    }

    [Fact]
    public void The_table_is_aligned_and_says_that_weights_are_synthetic()
    {
        string[] lines = MarkdownReport.Write(Runs).TrimEnd('\n').Split('\n');
        lines[0].ShouldContain("GB/s");
        lines[1].ShouldStartWith("Weights are synthetic");
        string[] table = [.. lines.SkipWhile(line => !line.StartsWith("| ", StringComparison.Ordinal))];
        table.Length.ShouldBe(Runs.Count + 2);
        table.ShouldAllBe(line => line.Length == table[0].Length && line.StartsWith("| "));
        table[0].ShouldContain("| threads |");
        table[1].ShouldContain("-: |");
    }

    [Fact]
    public void Progress_says_what_is_going_on() =>
        measured.Progress.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ShouldBe(
        [
            "compiling tinyllama-1.1b", "making synthetic weights",
            "loading", "1 threads: pp16", "counting what dense skips", "counting what exact skips", "counting what predicted skips",
            "1 threads: tg6", "1 threads: a context of 40 tokens", "1 threads: pp16 @ d40", "1 threads: tg6 @ d40",
            "loading", "2 threads: pp16", "2 threads: tg6", "2 threads: a context of 40 tokens",
            "2 threads: pp16 @ d40", "2 threads: tg6 @ d40",
        ]);

    [Fact]
    public void What_does_not_fit_in_memory_is_refused_with_the_layers_that_would()
    {
        var shape = NamedShape.Find("llama-2-7b").Declaration;
        string message = Should.Throw<CliException>(() => MemoryBudget.Require(shape, KeyValueType.F32, 512, loads: 2, available: 8L << 30)).Message;
        message.ShouldContain("needs 14,");
        message.ShouldContain("8,589,934,592 are available");
        message.ShouldContain("--layers 17 would fit");
        Should.NotThrow(() => MemoryBudget.Require(shape with { Layers = 17 }, KeyValueType.F32, 512, loads: 2, available: 8L << 30));
        Should.Throw<CliException>(() => MemoryBudget.Require(shape with { Layers = 18 }, KeyValueType.F32, 512, 2, 8L << 30));
        Should.Throw<CliException>(() => MemoryBudget.Require(shape, KeyValueType.F32, 512, loads: 1, available: 1L << 30))
            .Message.ShouldContain("not even one layer");
    }

    [Fact]
    public void What_is_available_is_never_less_than_nothing()
    {
        Machine.Available(limit: 1_000, used: 742_335_464, machine: 5_000).ShouldBe(0);
        Machine.Available(limit: 1_000, used: 400, machine: 5_000).ShouldBe(600);
        Machine.Available(limit: 9_000, used: 400, machine: 5_000).ShouldBe(5_000);
        Machine.Available(limit: 9_000, used: 400, machine: null).ShouldBe(8_600);

        // The probe's buffer is part of what is needed, not of what is missing.
        var shape = NamedShape.Find("llama-2-7b").Declaration;
        string message = Should.Throw<CliException>(
            () => MemoryBudget.Require(shape with { Layers = 17 }, KeyValueType.F32, 512, loads: 2, available: 8L << 30, probe: 1L << 30)).Message;
        message.ShouldContain("bandwidth probe 1,073,741,824); 8,589,934,592 are available");
        Should.Throw<CliException>(() => MemoryBudget.Require(shape, KeyValueType.F32, 512, loads: 1, available: 300_000_000, probe: 1L << 30)).Message
            .ShouldContain("; 300,000,000 are available: not even one layer fits");
    }

    [Theory]
    [InlineData(new double[] { 3 }, 3, 0)]
    [InlineData(new double[] { 5, 1, 3 }, 3, 2)]
    [InlineData(new double[] { 4, 1, 3, 2 }, 2.5, 1.2909944)]
    public void Medians_and_deviations_are_those_of_samples(double[] samples, double median, double deviation)
    {
        Statistics.Median(samples).ShouldBe(median);
        Statistics.StandardDeviation(samples).ShouldBe(deviation, 1e-6);
    }
}
