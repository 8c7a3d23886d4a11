using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Attention's projections that leave small channels of their input out: in some layers, in Predicted mode, whatever else is declared.</summary>
public sealed class InputThresholdTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly (float, float)? Some = (0.3f, 0.1f);

    private static readonly DecoderCase[] Models =
    [
        // Layers that differ, one of them without; beside a predictor of neurons.
        new("Layers") { Layers = 4, Alphas = [1m, null, 1.1m, null], InputThresholds = [Some, (0.5f, 0), null, (0, 0.2f)] },
        new("OutputAlone")
        {
            LayerNorm = true,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Activation = Activation.Silu,
            ActivationThreshold = 0.05f,
            Weights = [WeightType.F16],
            InputThresholds = [(0, 0.2f), (0, 0.1f), (0, 0.1f)],
        },
        new("HeadsAlone")
        {
            // Heads whose widths are no whole vectors; several slices of channels.
            Hidden = 200,
            QueryKeyNorms = true,
            DeclaredHeadDimension = 35,
            DeclaredRopeDimensions = 10,
            KeyValueHeads = 4,
            Pairing = RopePairing.HalfSplit,
            Activation = Activation.Silu,
            Weights = [WeightType.BF16],
            InputThresholds = [(0.4f, 0), (0.4f, 0), null],
        },
        new("Bytes") { Tied = true, Hidden = 192, Heads = 6, KeyValueHeads = 3, Weights = [WeightType.Q8_0], InputThresholds = [Some, Some, Some] },
        new("Nibbles") { Weights = [WeightType.Q4_0], InputThresholds = [Some, Some, Some] },
        new("Mixed") { Weights = [WeightType.F16, WeightType.Q8_0], InputThresholds = [Some, null, Some] },
        new("HeadsOfMixed") { Tied = true, Weights = [WeightType.Q5_0, WeightType.Q5_1], InputThresholds = [(0.3f, 0), null, null] },
        new("SuperBlocks")
        {
            Hidden = 256,
            Layers = 1,
            Intermediate = 256,
            Weights = [WeightType.Q4_K, WeightType.Q6_K, WeightType.Q5_K],
            InputThresholds = [Some],
        },
        new("Experts") { Experts = 5, ActiveExperts = 2, Alphas = [1m, null, 1.05m], Weights = [WeightType.F16], InputThresholds = [Some, Some, Some] },
        new("Phases") { Predictors = [new(32), null, new(40, PredictorInput.Normed)], InputThresholds = [Some, Some, Some] },
        new("Block")
        {
            // All four inputs, as TEAL has them.
            Activation = Activation.Silu,
            IsDense = true,
            Intermediate = 150,
            Weights = [WeightType.F16],
            InputThresholds = [Some, Some, (0, 0)],
            FeedForwardThresholds = [(0.3f, 0.02f), (0.2f, 0), (0, 0.01f)],
        },
        new("BlockOfBiases")
        {
            Activation = Activation.Gelu,
            Gated = false,
            IsDense = true,
            FeedForwardBiases = true,
            LayerNorm = true,
            Hidden = 200,
            Intermediate = 333,
            Weights = [WeightType.F32],
            InputThresholds = [(0, 0), (0, 0), null],
            FeedForwardThresholds = [(0.31f, 0.03f), (0.23f, 0), (0, 0)],
        },
        new("BlockOfTypes")
        {
            IsDense = true,
            MixesDown = true,
            Weights = [WeightType.F16, WeightType.Q8_0],
            InputThresholds = [(0, 0), null, (0, 0)],
            FeedForwardThresholds = [(0.2f, 0.01f), (0, 0), (0.3f, 0)],
        },
        new("DownAlone") { Alphas = [1m, null, 1.1m], InputThresholds = [(0, 0), null, (0, 0)], FeedForwardThresholds = [(0, 0.05f), (0, 0), (0, 0.02f)] },
        new("DownOfPhases")
        {
            Predictors = [new(32), null, new(40, PredictorInput.Normed)],
            InputThresholds = [(0, 0), (0, 0), (0, 0)],
            FeedForwardThresholds = [(0, 0.05f), (0, 0.05f), (0, 0.05f)],
        },
        TraitZoo.SubNorms[0] with
        {
            Name = "BlockOfSubNorms",
            Alphas = [],
            IsDense = true,
            InputThresholds = [(0.2f, 0), (0, 0), null],
            FeedForwardThresholds = [(0.3f, 0.2f), (0.1f, 0.3f), (0, 0)],
        },
        TraitZoo.SubNorms[0] with
        {
            Name = "DownOfSubNorms",
            InputThresholds = [(0, 0), (0, 0), null],
            FeedForwardThresholds = [(0, 0.2f), (0, 0.3f), (0, 0)],
        },
        new("Centred")
        {
            // SCAP: two of four layers around something else than 0, one of them by column norms as well.
            Layers = 4,
            Activation = Activation.Silu,
            IsDense = true,
            Intermediate = 160,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Weights = [WeightType.F16, WeightType.Q8_0],
            InputThresholds = [Some, Some, Some, null],
            FeedForwardThresholds = [(0.3f, 0.02f), (0.2f, 0), (0.2f, 0.01f), (0, 0)],
            Centres = [(0.1f, -0.02f, 0.07f, 0.01f), (0, 0, 0, 0), (-0.2f, 0, 0.1f, -0.03f), (0, 0, 0, 0)],
            ColumnNorms = [false, false, true, false],
        },
        new("CentredDown")
        {
            Activation = Activation.Gelu,
            Gated = false,
            IsDense = true,
            Weights = [WeightType.BF16],
            InputThresholds = [(0, 0), (0, 0.1f), null],
            FeedForwardThresholds = [(0, 0.02f), (0, 0.01f), (0, 0)],
            Centres = [(0, 0, 0, -0.04f), (0, 0.05f, 0, 0.02f), (0, 0, 0, 0)],
        },
        new("ColumnNorms")
        {
            // WINA, beside a predictor of neurons; heads whose widths are no whole vectors.
            Hidden = 200,
            DeclaredHeadDimension = 35,
            DeclaredRopeDimensions = 10,
            Alphas = [1m, null, 1.1m],
            InputThresholds = [(0.9f, 0.1f), (0.4f, 0), (0.7f, 0)],
            ColumnNorms = [true, false, true],
        },
        TraitZoo.Parallel[0] with { Name = "InParallel", InputThresholds = [Some, Some, null] },
        TraitZoo.Parallel[1] with { Name = "InParallelOfTwoNorms", InputThresholds = [Some, Some, Some] },
        TraitZoo.SubNorms[1] with { Name = "OfSubNorms", Traits = ["[SubNorms]"], InputThresholds = [(0.3f, 0.4f), (0, 0.5f), null] },
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
            var reference = TraitZoo.Reference(declared, weights, mode);
            float[] logits = With(declared, weights, Devices[1], model => DecoderRun.Decode(model, mode));
            bool rounds = declared.AllWeights.Any(type => type is not (WeightType.F32 or WeightType.F16 or WeightType.BF16));
            int astray = 0;
            for (int i = 0; i < DecoderRun.Tokens; i++)
            {
                double[] expected = reference.Next(DecoderRun.Token(declared.Vocabulary, i));
                double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();

                // In a block type the last digit may decide a channel otherwise, which adds what the threshold times a few weights is.
                double digits = !rounds ? 2e-5 : mode == SparsityMode.Dense ? 5e-4 : 2e-2;
                astray += worst < digits * expected.Max(Math.Abs) ? 0 : 1;
            }

            astray.ShouldBeLessThanOrEqualTo(rounds ? DecoderRun.Tokens / 10 : 0, $"{name}, {mode}");
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

    /// <summary>The smallest threshold there is leaves out zeros alone, and the largest everything.</summary>
    [Fact]
    public void A_threshold_of_nothing_has_the_bits_of_dense_and_one_of_everything_no_attention()
    {
        DecoderCase[] models =
        [
            new("Nothing") { Alphas = [], Weights = [WeightType.F16, WeightType.Q8_0], InputThresholds = [(float.Epsilon, float.Epsilon), (float.Epsilon, 0), null] },
            new("Everything") { Alphas = [], OutputBias = true, InputThresholds = [(float.MaxValue, 0), (0, float.MaxValue), (float.MaxValue, float.MaxValue)] },
        ];
        GeneratedAssembly assembly = Build(models);
        foreach (DecoderCase declared in models)
        {
            DecoderWeights weights = TraitZoo.Weights(declared);
            float[] dense = With(assembly, declared, weights, Devices[1], model => DecoderRun.Decode(model, SparsityMode.Dense));
            float[] predicted = With(assembly, declared, weights, Devices[1], model => DecoderRun.Decode(model, SparsityMode.Predicted));
            if (declared.Name == "Nothing")
            {
                DecoderRun.ShouldHaveTheBitsOf(dense, predicted, declared.Name);
                continue;
            }

            predicted.ShouldAllBe(logit => float.IsFinite(logit));
            predicted.ShouldNotBe(dense);
            Metrics(assembly, declared, weights).ShouldAllBe(layer => layer.ProjectionBytesPerToken == 0 || layer.Layer < 2);
        }
    }

    /// <summary>What another order of sums leaves between this declaration and the same without the attribute: the last digits.</summary>
    [Fact]
    public void Dense_differs_from_a_declaration_without_it_by_rounding_alone()
    {
        DecoderCase with = Models[0];
        DecoderCase without = with with { Name = "Without", InputThresholds = [] };
        DecoderWeights weights = TraitZoo.Weights(with);
        float[] expected = With(Build([without]), without, weights, Devices[0], model => DecoderRun.Decode(model, SparsityMode.Dense));
        float[] dense = With(with, weights, Devices[0], model => DecoderRun.Decode(model, SparsityMode.Dense));
        float largest = expected.Max(Math.Abs);
        dense.Zip(expected, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-5f * largest);
    }

    [Fact]
    public void Meters_count_the_channels_and_the_bytes_that_are_left()
    {
        (DecoderCase declared, DecoderWeights weights) = Of("Layers");
        IReadOnlyList<LayerMetrics> metrics = Metrics(Assembly.Value, declared, weights);
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            // In F32 a channel is a row of so many outputs.
            double ofHeads = 4 * (64 + 32 + 32);
            double ofOutput = 4 * 64;
            bool hasHeads = declared.InputThresholds[layer]?.Heads > 0;
            bool hasOutput = declared.InputThresholds[layer]?.Output > 0;
            (metrics[layer].SkippedInputs > 0.05).ShouldBe(hasHeads || hasOutput, $"layer {layer}");

            double kept = 64 * (1 - metrics[layer].SkippedInputs);
            if (!hasHeads && !hasOutput)
            {
                metrics[layer].SkippedInputs.ShouldBe(double.NaN);
                metrics[layer].ProjectionBytesPerToken.ShouldBe(64 * (ofHeads + ofOutput));
            }
            else if (!hasHeads)
            {
                metrics[layer].ProjectionBytesPerToken.ShouldBe((64 * ofHeads) + (kept * ofOutput), 1e-6);
            }
            else if (!hasOutput)
            {
                metrics[layer].ProjectionBytesPerToken.ShouldBe((kept * ofHeads) + (64 * ofOutput), 1e-6);
            }
        }

        With(declared, weights, Devices[0], model => Count(model, SparsityMode.Dense)).ShouldAllBe(layer =>
            double.IsNaN(layer.SkippedInputs) && layer.ProjectionBytesPerToken == 64 * 4 * (64 + 32 + 32 + 64) && layer.SkippedProjectionBytesPerToken == 0);
        metrics.ShouldAllBe(layer => Math.Abs(layer.ProjectionBytesPerToken + layer.SkippedProjectionBytesPerToken - (64 * 4 * (64 + 32 + 32 + 64))) < 1e-6);
        (DecoderCase plain, DecoderWeights ofPlain) = Of("OutputAlone");
        With(plain, ofPlain, Devices[0], model => Count(model, SparsityMode.Dense)).ShouldAllBe(layer => layer.ProjectionBytesPerToken == 64 * 2 * 64);
    }

    /// <summary>In F32: a channel of gate and up is a row of so many neurons each, a neuron of down one of the residual stream's width.</summary>
    [Fact]
    public void Meters_count_the_bytes_that_a_feed_forward_leaves()
    {
        DecoderCase declared = Models.Single(model => model.Name == "Block") with
        {
            Name = "MeteredBlock",
            Weights = [WeightType.F32],
            InputThresholds = [(0, 0), (0, 0), null],
            FeedForwardThresholds = [(0.3f, 0), (0, 0.02f), (0, 0)],
        };
        DecoderWeights weights = TraitZoo.Weights(declared);
        IReadOnlyList<LayerMetrics> metrics = Metrics(Build([declared]), declared, weights);
        const double Row = 4 * 160, Down = 4 * 64;
        metrics[0].BytesPerToken.ShouldBe((64 * (1 - metrics[0].SkippedInputs) * 2 * Row) + (150 * Down), 1e-6);
        metrics[0].SkippedInputs.ShouldBeInRange(0.05, 0.6);
        metrics[1].BytesPerToken.ShouldBe((64 * 2 * Row) + (150 * (1 - metrics[1].SkippedInputs) * Down), 1e-6);
        metrics[1].SkippedInputs.ShouldBeInRange(0.05, 0.7);
        metrics[2].BytesPerToken.ShouldBe((64 * 2 * Row) + (150 * Down), 1e-6);
        metrics[2].SkippedInputs.ShouldBe(double.NaN);
    }

    /// <summary>Zeros that ReLU leaves and neurons that a predictor takes off are no channels that a threshold skips.</summary>
    [Fact]
    public void Meters_count_of_downs_input_what_the_threshold_skips_alone()
    {
        (DecoderCase some, DecoderWeights weights) = Of("DownAlone");
        DecoderCase least = some with { Name = "DownOfNothing", FeedForwardThresholds = [(0, float.Epsilon), (0, 0), (0, float.Epsilon)] };
        Metrics(Build([least]), least, weights).Select(layer => layer.SkippedInputs).ShouldBe([0, double.NaN, 0]);

        Metrics(Assembly.Value, some, weights).Select(layer => layer.SkippedInputs is > 0 and < 0.9).ShouldBe([true, false, true]);
        foreach (SparsityMode mode in new[] { SparsityMode.Dense, SparsityMode.Exact })
        {
            With(some, weights, Devices[1], model => Count(model, mode)).ShouldAllBe(layer => double.IsNaN(layer.SkippedInputs) && layer.Tokens == 20);
        }
    }

    /// <summary>Around a centre and with a threshold that leaves out what is exactly there, the product is that of all channels, but for rounding.</summary>
    [Fact]
    public void A_centre_with_a_threshold_of_nothing_moves_the_last_digits()
    {
        DecoderCase declared = Models.Single(model => model.Name == "Block") with
        {
            Name = "CentreOfNothing",
            Weights = [WeightType.F32],
            InputThresholds = [(float.Epsilon, float.Epsilon), null, (0, 0)],
            FeedForwardThresholds = [(float.Epsilon, float.Epsilon), (0, 0), (0, float.Epsilon)],
            Centres = [(0.5f, -0.25f, 0.125f, 0.0625f), (0, 0, 0, 0), (0, 0, 0, -0.5f)],
        };
        DecoderWeights weights = TraitZoo.Weights(declared);
        GeneratedAssembly assembly = Build([declared]);
        float[] dense = With(assembly, declared, weights, Devices[1], model => DecoderRun.Decode(model, SparsityMode.Dense));
        float[] predicted = With(assembly, declared, weights, Devices[1], model => DecoderRun.Decode(model, SparsityMode.Predicted));
        predicted.Zip(dense, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-5f * dense.Max(Math.Abs));
        predicted.ShouldNotBe(dense);
    }

    /// <summary>A centre of 0 and norms that are not asked for leave the generated program as it is.</summary>
    [Fact]
    public void A_centre_of_0_changes_nothing()
    {
        DecoderCase some = Models[0];
        Text(some with { Centres = [(0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)] }).ShouldBe(Text(some));
        Text(some).ShouldNotContain("Centre");

        static string Text(DecoderCase declared) =>
            new DecoderClass(DecoderPlan.Of(Parsed.Model(declared.Source, declared.FullName).ShouldNotBeNull())).Emit();
    }

    [Fact]
    public void A_stage_whose_channels_are_chosen_has_one_more_barrier()
    {
        string text = new DecoderClass(DecoderPlan.Of(Parsed.Model(Models[0].Source, Models[0].FullName).ShouldNotBeNull())).Emit();

        text.ShouldContain("  barriers     7 a layer: channels, heads, attention, channels, projection, neurons, sum");
        text.ShouldContain("  by channel   query, key, value: a row for each input, summed in 1 slices; prompts and batches read every row");
        text.ShouldContain("private static ReadOnlySpan<float> HeadsThresholds => [0.3f, 0.5f, -1f, -1f];");
        text.ShouldContain("private static ReadOnlySpan<float> OutputThresholds => [0.1f, -1f, -1f, 0.2f];");
        ModelProgram.Of(Parsed.Model(Models[1].Source, Models[1].FullName).ShouldNotBeNull()).Layer.OfType<Project>()
            .Select(project => project.Channels is not null).ShouldBe([false, false, false, true]);
    }

    private static GeneratedAssembly Build(IEnumerable<DecoderCase> models) => GeneratedProject.Build([.. models.Select(model => model.Source)]);

    private static (DecoderCase Declared, DecoderWeights Weights) Of(string name)
    {
        DecoderCase declared = Models.Single(model => model.Name == name);
        return (declared, TraitZoo.Weights(declared));
    }

    private static IReadOnlyList<LayerMetrics> Metrics(GeneratedAssembly assembly, DecoderCase declared, DecoderWeights weights) =>
        With(assembly, declared, weights, Devices[1], model => Count(model, SparsityMode.Predicted));

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
