using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Heads that are left out by a router or by their queries: in some layers, in Predicted mode, whatever else is declared.</summary>
public sealed class HeadSparsityTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly HeadCase Half = new(0.5f);

    private static readonly HeadCase Routed = new(0.5f, Router: true);

    private static readonly DecoderCase[] Models =
    [
        // One head a group; layers that differ in how many are kept, one without.
        new("Queries") { Layers = 4, KeyValueHeads = 4, HeadChoices = [null, Half, new(0.25f), new(0.7f)] },
        new("Routers") { Layers = 4, KeyValueHeads = 4, Alphas = [1m, null, 1.1m, null], HeadChoices = [null, Routed, new(0.25f, Router: true), new(0.75f, Router: true)] },
        new("Both") { Heads = 8, KeyValueHeads = 4, Layers = 4, HeadChoices = [Half, new(0.5f, Router: true, Bias: false), Half, Routed] },
        new("Grouped")
        {
            // Heads whose widths are no whole vectors; more weight types than one.
            Hidden = 200,
            Heads = 6,
            KeyValueHeads = 3,
            DeclaredHeadDimension = 35,
            DeclaredRopeDimensions = 10,
            Pairing = RopePairing.HalfSplit,
            QueryKeyNorms = true,
            Weights = [WeightType.F16, WeightType.BF16],
            HeadChoices = [null, new(0.4f), new(0.4f, Router: true)],
        },
        new("Biases")
        {
            LayerNorm = true,
            KeyValueHeads = 4,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Weights = [WeightType.F16],
            Window = _ => 7,
            Traits = ["[SlidingWindow(Window = 7)]"],
            HeadChoices = [Half, Routed, Half],
        },
        new("Bytes") { Tied = true, Hidden = 192, Heads = 6, KeyValueHeads = 6, Weights = [WeightType.Q8_0], HeadChoices = [null, Half, Routed] },
        new("Nibbles") { KeyValueHeads = 4, Weights = [WeightType.Q4_0, WeightType.Q8_0], HeadChoices = [Routed, Half, null] },
        new("Experts") { Experts = 5, ActiveExperts = 2, KeyValueHeads = 4, HeadChoices = [null, Half, Routed] },
        new("ExpertPredictors") { Experts = 4, ActiveExperts = 2, Predictors = [new(32), new(40, PredictorInput.Normed), null], KeyValueHeads = 4, HeadChoices = [Routed, Half, Routed] },
        new("Predictors") { Predictors = [new(32), null, new(40, PredictorInput.Normed)], KeyValueHeads = 4, HeadChoices = [Routed, Half, Routed] },
        new("Channels")
        {
            // Thresholds on the inputs of the same projections.
            KeyValueHeads = 4,
            InputThresholds = [(0.3f, 0.1f), (0.3f, 0), (0, 0.2f)],
            HeadChoices = [Half, Routed, new(0.75f, Router: true)],
        },
        TraitZoo.Parallel[0] with { Name = "InParallel", KeyValueHeads = 4, HeadChoices = [Half, Routed, null] },
        TraitZoo.SubNorms[1] with { Name = "OfSubNorms", Traits = ["[SubNorms]"], KeyValueHeads = 4, HeadChoices = [Half, Routed, null] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => Build(Models));

    public static TheoryData<string> Names { get; } = [.. Models.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_those_of_double_precision(string name)
    {
        (DecoderCase declared, DecoderWeights weights) = Of(name);
        foreach (SparsityMode mode in new[] { SparsityMode.Dense, SparsityMode.Predicted })
        {
            float[] logits = With(declared, weights, Devices[1], model => DecoderRun.Decode(model, mode));
            ShouldBeThoseOf(TraitZoo.Reference(declared, weights, mode), logits, declared, $"{name}, {mode}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_bits_are_those_of_any_number_of_threads_of_a_prompt_of_a_metered_run_and_of_a_batch(string name)
    {
        (DecoderCase declared, DecoderWeights weights) = Of(name);
        DecoderRun.ShouldHaveOneSetOfBits(name, Devices[0], Devices[1], (device, run) => With(declared, weights, device, model =>
        {
            run(model);
            return 0;
        }));
    }

    /// <summary>Scores that are all equal keep the first heads; who keeps all has Dense's bits.</summary>
    [Fact]
    public void Of_equal_scores_the_first_are_kept_and_all_of_them_are_dense()
    {
        DecoderCase ties = new("Ties") { KeyValueHeads = 4, HeadChoices = [Half, new(0.5f, Router: true, Bias: false), new(0.25f)] };
        DecoderCase all = new("All") { KeyValueHeads = 4, Weights = [WeightType.F16], HeadChoices = [new(1), new(1, Router: true), null] };
        GeneratedAssembly assembly = Build([ties, all]);
        DecoderWeights tied = TraitZoo.Weights(ties);
        foreach (string matrix in new[] { "blk.0.attn_q.weight", "blk.1.mha_router.weight", "blk.2.attn_q.weight" })
        {
            tied.Scale(matrix, 0);
        }

        float[] logits = With(assembly, ties, tied, Devices[1], model => DecoderRun.Decode(model, SparsityMode.Predicted));
        ShouldBeThoseOf(TraitZoo.Reference(ties, tied, SparsityMode.Predicted), logits, ties, "ties");

        DecoderWeights weights = TraitZoo.Weights(all);
        With(assembly, all, weights, Devices[1], model =>
        {
            float[] dense = DecoderRun.Decode(model, SparsityMode.Dense);
            DecoderRun.ShouldHaveTheBitsOf(dense, DecoderRun.Decode(model, SparsityMode.Predicted), "all");
            return 0;
        });
    }

    /// <summary>In F32. A router's rows are counted with what predicts neurons.</summary>
    [Fact]
    public void Meters_count_the_heads_and_the_bytes_that_are_left()
    {
        (DecoderCase declared, DecoderWeights weights) = Of("Routers");
        IReadOnlyList<LayerMetrics> dense = With(declared, weights, Devices[1], model => Count(model, SparsityMode.Dense));
        IReadOnlyList<LayerMetrics> metrics = With(declared, weights, Devices[1], model => Count(model, SparsityMode.Predicted));
        const double Row = 64 * 4;
        const double Queries = 64 * Row, Output = 64 * Row;
        dense.ShouldAllBe(layer => double.IsNaN(layer.SkippedHeads) && layer.ProjectionBytesPerToken == Queries + Output && layer.SkippedProjectionBytesPerToken == 0);
        metrics.Select(layer => layer.SkippedHeads).ShouldBe([double.NaN, 0.5, 0.75, 0.25]);
        metrics.ShouldAllBe(layer => double.IsNaN(layer.SkippedInputs));
        metrics.Select(layer => layer.SkippedProjectionBytesPerToken).ShouldBe([0, 0.5 * (Queries + Output), 0.75 * (Queries + Output), 0.25 * (Queries + Output)]);
        metrics.ShouldAllBe(layer => layer.ProjectionBytesPerToken + layer.SkippedProjectionBytesPerToken == Queries + Output);

        DecoderCase plain = declared with { Name = "NoPredictor", Alphas = [], IsDense = true, HeadChoices = [Routed, Half, null], Layers = 3 };
        DecoderWeights ofPlain = TraitZoo.Weights(plain);
        metrics = With(Build([plain]), plain, ofPlain, Devices[0], model => Count(model, SparsityMode.Predicted));
        (metrics[0].BytesPerToken - metrics[2].BytesPerToken).ShouldBe(4 * Row);
        metrics[1].BytesPerToken.ShouldBe(metrics[2].BytesPerToken);
        var reference = TraitZoo.Reference(plain, ofPlain, SparsityMode.Predicted);
        for (int i = 0; i < 20; i++)
        {
            reference.Next(DecoderRun.Token(plain.Vocabulary, i));
        }

        metrics.Where(layer => !double.IsNaN(layer.SkippedHeads)).Sum(layer => layer.SkippedHeads * layer.Tokens * plain.Heads).ShouldBe(reference.SkippedHeads);

        // Where queries choose, all of them are read.
        (DecoderCase queries, DecoderWeights ofQueries) = Of("Queries");
        With(queries, ofQueries, Devices[1], model => Count(model, SparsityMode.Predicted)).Select(layer => layer.SkippedProjectionBytesPerToken)
            .ShouldBe([0, 0.5 * Output, 0.75 * Output, 0.25 * Output]);
    }

    [Fact]
    public void A_choice_of_heads_has_no_barrier_of_its_own()
    {
        string text = new DecoderClass(DecoderPlan.Of(Parsed.Model(Models[1].Source, Models[1].FullName).ShouldNotBeNull())).Emit();

        text.ShouldContain("  barriers     6 a layer: heads, attention, channels, projection, neurons, sum");
        text.ShouldContain("int kept = layer switch { 1 => 2, 2 => 1, _ => 3 };");
        text.ShouldContain("private static ReadOnlySpan<float> OutputThresholds => [-1f, 0f, 0f, 0f];");
    }

    private static void ShouldBeThoseOf(DecoderReference reference, float[] logits, DecoderCase declared, string what)
    {
        bool rounds = declared.AllWeights.Any(type => type is not (WeightType.F32 or WeightType.F16 or WeightType.BF16));
        int astray = 0;
        for (int i = 0; i < DecoderRun.Tokens; i++)
        {
            double[] expected = reference.Next(DecoderRun.Token(declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            astray += worst < (rounds ? 2e-2 : 2e-5) * expected.Max(Math.Abs) ? 0 : 1;
        }

        // In a block type an input's last digit may be another step of it, and decide a head otherwise.
        astray.ShouldBeLessThanOrEqualTo(rounds ? DecoderRun.Tokens / 10 : 0, what);
    }

    private static GeneratedAssembly Build(IEnumerable<DecoderCase> models) => GeneratedProject.Build([.. models.Select(model => model.Source)]);

    private static (DecoderCase Declared, DecoderWeights Weights) Of(string name)
    {
        DecoderCase declared = Models.Single(model => model.Name == name);
        return (declared, TraitZoo.Weights(declared));
    }

    private static IReadOnlyList<LayerMetrics> Count(LanguageModel model, SparsityMode mode)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = true });
        for (int i = 0; i < 20; i++)
        {
            session.Forward([DecoderRun.Token(model.Shape.Vocabulary, i)]);
        }

        return session.ReadMetrics();
    }

    private static T With<T>(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run) =>
        With(Assembly.Value, declared, weights, device, run);

    private static T With<T>(GeneratedAssembly assembly, DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run) =>
        DecoderRun.With(weights, path => assembly.LoadModel(declared.FullName, path, device), run);
}
