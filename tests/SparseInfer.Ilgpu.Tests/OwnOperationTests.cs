using System.Runtime.InteropServices;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Generators.Tests.Traits;
using SparseInfer.Generators.Text;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// What policies and traits bring along on the software CUDA device, beside the CPU's program: tensors of the file in some layers, operations before
/// neurons are chosen, operations on what blocks add and on logits.
/// </summary>
public sealed class OwnOperationTests(OwnOperationTests.OwnModels models) : IClassFixture<OwnOperationTests.OwnModels>
{
    private const int Tokens = 9;

    private static readonly DecoderCase[] Policies =
    [
        // Two ranks, a layer without, and two layers of one rank that differ in what they make of their scores.
        new("Ranks") { Layers = 5, Intermediate = 150, Predictors = [new(32), new(40), null, new(40), new(40, Threshold: 0.25f)], Weights = [WeightType.F32] },
        new("EveryLayer")
        {
            Gated = false,
            FeedForwardBiases = true,
            Predictors = [.. Enumerable.Repeat(new LowRankCase(8, PredictorInput.Normed, Relu: false, Bias: true), 3)],
            Weights = [WeightType.F16],
        },
        // Votes beside signs, of two sigmas, where down may have another type.
        new("Votes")
        {
            Hidden = 128,
            Intermediate = 150,
            Traits =
            [
                "[SignMagnitudePredictor(OutlierSigmas = 2, Layers = \"0\")]", "[SignBitPredictor(Layers = \"1\")]",
                "[SignMagnitudePredictor(Beta = 1.02f, OutlierWeight = 20, OutlierSigmas = 1.5f, Layers = \"2\")]",
            ],
            Weights = [WeightType.F32, WeightType.F16],
        },
        new("VotesBeforeThresholds")
        {
            Hidden = 128,
            Activation = Activation.Silu,
            Traits =
            [
                "[ActivationThreshold(Threshold = 0.05f, GateVote = 60, Layers = \"0\")]", "[Dense(Layers = \"1\")]",
                "[ActivationThreshold(Threshold = 0.01f, GateVote = 20, OutlierSigmas = 2, OutlierWeight = 10, Layers = \"2\")]",
            ],
        },
        new("Channels") { Hidden = 128, Alphas = [1m, null, 1.1m], OutputBias = true, InputThresholds = [(0.3f, 0.1f), null, (0, 0.2f)], Weights = [WeightType.F16] },
        new("ChannelsOfBytes") { Layers = 2, Tied = true, Hidden = 96, Heads = 3, KeyValueHeads = 3, Weights = [WeightType.Q8_0], InputThresholds = [(0.3f, 0.1f), (0, 0.1f)] },
        new("ChannelsOfQuants") { Layers = 2, Weights = [WeightType.Q4_0, WeightType.Q5_1], InputThresholds = [(0.3f, 0.1f), (0.3f, 0)] },
        new("ChannelsOfOddHeads")
        {
            // Outputs that are no whole vectors, several slices of channels, and a centre of them.
            Layers = 2,
            Hidden = 200,
            QueryKeyNorms = true,
            DeclaredHeadDimension = 35,
            DeclaredRopeDimensions = 10,
            KeyValueHeads = 4,
            Pairing = RopePairing.HalfSplit,
            Weights = [WeightType.BF16],
            InputThresholds = [(0.4f, 0.1f), (0.4f, 0)],
            Centres = [(0.1f, -0.05f, 0, 0), (0, 0, 0, 0)],
        },
        new("ChannelsOfNeurons")
        {
            // Gate, up and down too; around centres, and by norms of columns.
            Activation = Activation.Silu,
            IsDense = true,
            FeedForwardBiases = true,
            Intermediate = 150,
            InputThresholds = [(0.9f, 0), (0, 0), (0, 0)],
            FeedForwardThresholds = [(0.7f, 0.02f), (0.2f, 0), (0, 0.01f)],
            Centres = [(0.1f, 0, 0.05f, 0.01f), (0, 0, 0, 0), (0, 0, 0, 0)],
            ColumnNorms = [true, false, false],
            Weights = [WeightType.F16],
        },
        new("ChannelsOfUngated")
        {
            Layers = 2,
            Activation = Activation.Gelu,
            Gated = false,
            IsDense = true,
            MixesDown = true,
            Weights = [WeightType.F16, WeightType.Q8_0],
            InputThresholds = [(0, 0), (0, 0)],
            FeedForwardThresholds = [(0.3f, 0.02f), (0.2f, 0)],
        },
        new("ChannelsOfDown") { Hidden = 128, Alphas = [1m, null, 1.1m], InputThresholds = [(0, 0), (0, 0), null], FeedForwardThresholds = [(0, 0.05f), (0, 0.03f), (0, 0)] },
        TraitZoo.SubNorms[1] with { Name = "ChannelsOfSubNorms", InputThresholds = [(0.3f, 0.4f), (0.2f, 0), null] },
        TraitZoo.SubNorms[0] with { Name = "ChannelsOfNormedDown", InputThresholds = [(0, 0), (0, 0), null], FeedForwardThresholds = [(0, 0.2f), (0, 0.3f), (0, 0)] },
        new("Best") { Predictors = [new(8, Keep: 0.2f), new(8, Count: 41), LowRankCase.Svd(8, -0.125f)], Weights = [WeightType.F32] },
        new("HeadsOfExperts") { Experts = 4, ActiveExperts = 2, KeyValueHeads = 4, HeadChoices = [null, new(0.5f), new(0.5f, Router: true)], Weights = [WeightType.F32] },
        new("HeadsByQueries") { Heads = 8, KeyValueHeads = 4, HeadChoices = [null, new(0.5f), new(0.25f)], Weights = [WeightType.F32] },
        new("HeadsByRouter")
        {
            KeyValueHeads = 4,
            DeclaredHeadDimension = 20,
            DeclaredRopeDimensions = 8,
            OutputBias = true,
            InputThresholds = [(0.3f, 0), (0, 0.1f), null],
            HeadChoices = [new(0.5f, Router: true), new(0.75f), new(0.25f, Router: true, Bias: false)],
            Weights = [WeightType.F16],
        },
        new("HeadsThatCrossLoads")
        {
            Layers = 2,
            KeyValueHeads = 4,
            DeclaredHeadDimension = 20,
            DeclaredRopeDimensions = 8,
            HeadChoices = [new(0.5f), new(0.5f, Router: true)],
            Weights = [WeightType.F16],
        },
        new("QueriesBesideChannels") { Layers = 2, Heads = 8, KeyValueHeads = 4, InputThresholds = [(0, 0.1f), null], HeadChoices = [new(0.5f, Router: true), new(0.5f)], Weights = [WeightType.F16] },
        new("HeadsOfBlocks")
        {
            Heads = 8,
            KeyValueHeads = 4,
            DeclaredHeadDimension = 24,
            DeclaredRopeDimensions = 8,
            QueryKeyNorms = true,
            HeadChoices = [new(0.5f, Router: true), null, new(0.25f)],
            Weights = [WeightType.F16, WeightType.Q8_0],
        },
        new("LookingAhead") { Layers = 4, Predictors = [null, new(8, Lookahead: 1), new(8, PredictorInput.Normed, Lookahead: 2), new(8, Lookahead: 2)], Weights = [WeightType.F16] },
        new("Thresholds") { Activation = Activation.Silu, NeuronThresholds = [0, 2], Weights = [WeightType.F16] },

        // Inside experts: a predictor each, of the residual stream, of the norm, of the layer before; the best of them; numbers for each one's neurons.
        new("RanksOfExperts")
        {
            Layers = 5,
            Experts = 5,
            ActiveExperts = 2,
            Intermediate = 70,
            Predictors = [new(32), new(40, PredictorInput.Normed, Relu: false, Bias: true), null, new(32, Lookahead: 1, Keep: 0.3f), LowRankCase.Svd(8, -0.125f)],
            Weights = [WeightType.F32],
        },
        new("ThresholdsOfExperts")
        {
            HasArchitecture = false,
            Pairing = RopePairing.HalfSplit,
            Experts = 4,
            ActiveExperts = 3,
            Gating = ExpertGating.Sigmoid,
            Router = RouterInput.Layer,
            Activation = Activation.Silu,
            NeuronThresholds = [0, 2],
            ActivationThreshold = 0.1f,
            Weights = [WeightType.F32, WeightType.F16],
        },
        new("MixedRanks") { Predictors = [new(32), null, new(64, PredictorInput.Normed, Bias: true)], Weights = [WeightType.F16, WeightType.BF16] },
    ];

    /// <summary>Scales beside the weights of each expert's predictor. Inputs of blocks are rounded, so that logits are not as near to the CPU's.</summary>
    private static readonly DecoderCase Blocks = new("BlocksOfExperts")
    {
        Experts = 4,
        ActiveExperts = 2,
        Predictors = [new(96), new(64, PredictorInput.Normed, Bias: true), null],
        Weights = [WeightType.Q8_0],
    };

    /// <summary>As wide as attention is beside the rest: a head is four sectors of a row.</summary>
    private static readonly DecoderCase LargeHeads = new("LargeHeads")
    {
        Hidden = 256,
        Layers = 2,
        Intermediate = 32,
        Heads = 8,
        KeyValueHeads = 4,
        DeclaredHeadDimension = 64,
        HeadChoices = [new(0.25f), new(0.25f, Router: true)],
        Weights = [WeightType.F16],
    };

    private static readonly DecoderCase[] Traits =
    [
        new("Scaled") { Alphas = [1m, null, 1.1m], FeedForwardBiases = true, OutputBias = true, Weights = [WeightType.F32] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() =>
    {
        DecoderCase[] all = [.. Policies, Blocks, LargeHeads, .. Traits];
        return GeneratedAssembly.Load(SpecProject.Of(all.Select(model => model.Source), [.. all.Select(Spec)], ilgpu: true), unloads: false);
    });

    /// <summary>Policies whose weights lie otherwise in every mode; the others leave Exact as it is without them.</summary>
    private static readonly string[] ExactToo = ["Channels", "ChannelsOfOddHeads", "ChannelsOfNeurons", "ChannelsOfDown", "HeadsByRouter", "RanksOfExperts"];

    public static TheoryData<string, SparsityMode> ModelsAndModes { get; } = new(
        from model in Policies.Concat(Traits)
        from mode in new[] { SparsityMode.Exact, SparsityMode.Predicted }
        where mode == SparsityMode.Predicted || Traits.Contains(model) || ExactToo.Contains(model.Name)
        select (model.Name, mode));

    /// <summary>Token by token, a prompt that skips, a dense prompt; metered; and several sequences together.</summary>
    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Every_way_to_run_has_the_logits_of_the_cpu(string name, SparsityMode mode)
    {
        DecoderCase declared = Policies.Concat(Traits).Single(model => model.Name == name);
        LanguageModel onCpu = models.OnCpu(declared);
        LanguageModel onGpu = models.OnGpu(declared);
        float[] expected = Run(onCpu, mode, prompt: 0);
        float[] alone = Run(onGpu, mode, prompt: 0);

        // In a block type the last digit may round an input otherwise, or decide about a channel, which adds what the threshold times a few weights is. Products of
        // dense prompts round no input on a GPU.
        bool rounds = declared.AllWeights.Any(type => type is not (WeightType.F32 or WeightType.F16 or WeightType.BF16));
        float digits = rounds ? 2e-2f : 1e-4f;
        ShouldBeNear(alone, expected, digits, "one by one");
        ShouldBeNear(Run(onGpu, mode, prompt: Tokens), expected, digits, "a prompt that skips");
        ShouldBeNear(Run(onGpu, mode, prompt: Tokens, sparse: false), Run(onCpu, mode, prompt: Tokens, sparse: false), rounds ? 5e-2f : digits, "a prompt");
        ShouldHaveTheBitsOf(Run(onGpu, mode, prompt: 0, metering: true), alone, "metered");
        ShouldHaveTheBitsOf(Together(onGpu, mode, declared.Vocabulary), alone, "together");
    }

    [Fact]
    public void Predictors_of_experts_in_blocks_have_the_bits_that_they_have_alone()
    {
        LanguageModel onCpu = models.OnCpu(Blocks);
        LanguageModel onGpu = models.OnGpu(Blocks);
        float[] expected = Run(onCpu, SparsityMode.Predicted, prompt: 0);
        float[] alone = Run(onGpu, SparsityMode.Predicted, prompt: 0);

        // The last digit may decide a neuron otherwise.
        double[] worst = [.. alone.Zip(expected, (a, b) => (double)Math.Abs(a - b)).Chunk(Blocks.Vocabulary).Select(token => token.Max() / expected.Max(MathF.Abs))];
        worst.Count(difference => difference > 1e-3).ShouldBeLessThanOrEqualTo(1, string.Join(", ", worst));
        ShouldHaveTheBitsOf(Run(onGpu, SparsityMode.Predicted, prompt: 0, metering: true), alone, "metered");
        ShouldHaveTheBitsOf(Together(onGpu, SparsityMode.Predicted, Blocks.Vocabulary), alone, "together");
    }

    [Theory]
    [InlineData("Ranks")]
    [InlineData("EveryLayer")]
    [InlineData("Votes")]
    [InlineData("VotesBeforeThresholds")]
    [InlineData("HeadsByQueries")]
    [InlineData("HeadsByRouter")]
    [InlineData("HeadsOfExperts")]
    [InlineData("QueriesBesideChannels")]
    [InlineData("RanksOfExperts")]
    [InlineData("ThresholdsOfExperts")]
    [InlineData("Channels")]
    [InlineData("ChannelsOfOddHeads")]
    [InlineData("ChannelsOfNeurons")]
    [InlineData("ChannelsOfDown")]
    public void Meters_count_what_the_cpu_counts(string name)
    {
        DecoderCase declared = Policies.Single(model => model.Name == name);
        LanguageModel onCpu = models.OnCpu(declared);
        LanguageModel onGpu = models.OnGpu(declared);
        IReadOnlyList<LayerMetrics> expected = Metrics(onCpu);
        IReadOnlyList<LayerMetrics> actual = Metrics(onGpu);
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            actual[layer].ActualSparsity.ShouldBe(expected[layer].ActualSparsity, $"layer {layer}");
            actual[layer].PredictedSparsity.ShouldBe(expected[layer].PredictedSparsity, $"layer {layer}");
            actual[layer].Precision.ShouldBe(expected[layer].Precision, $"layer {layer}");
            actual[layer].BytesPerToken.ShouldBe(expected[layer].BytesPerToken, $"layer {layer}");
            actual[layer].SkippedHeads.ShouldBe(expected[layer].SkippedHeads, $"layer {layer}");
            actual[layer].SkippedInputs.ShouldBe(expected[layer].SkippedInputs, $"layer {layer}");
            if (!double.IsNaN(actual[layer].ProjectionBytesPerToken))
            {
                actual[layer].ProjectionBytesPerToken.ShouldBe(expected[layer].ProjectionBytesPerToken, 1e-6, $"layer {layer}");
                actual[layer].SkippedProjectionBytesPerToken.ShouldBe(expected[layer].SkippedProjectionBytesPerToken, 1e-6, $"layer {layer}");
            }
        }
    }

    /// <summary>What a token loads of matrices that leave out channels is what the meters say, byte for byte: rows of these channels are not read.</summary>
    [Fact]
    public void Rows_of_channels_that_are_left_out_are_not_read()
    {
        DecoderCase declared = Policies.Single(model => model.Name == "Channels");
        LanguageModel model = models.OnGpu(declared);
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Dense, Metering = true });
        session.Forward([1]);
        (double Loaded, double Counted) dense = Next(2);
        session.Mode = UserMode.Predicted;
        (double Loaded, double Counted) kept = Next(3);
        dense.Loaded.ShouldBe(2 * 128 * (128 + 64 + 64 + 128) * declared.Layers);
        dense.Counted.ShouldBe(dense.Loaded);
        kept.Loaded.ShouldBe(kept.Counted);
        kept.Loaded.ShouldBeInRange(0.3 * dense.Loaded, 0.95 * dense.Loaded);

        (double Loaded, double Counted) Next(int token)
        {
            session.ResetMetrics();
            IReadOnlyList<LaunchCounters> launches = TestDevice.Count(models.Gpu, () => session.Forward([token]));
            return (
                launches.Where(launch => launch.Kernel.Contains("128Channels", StringComparison.Ordinal)).Sum(launch => (double)launch.Memory["words"].LoadedBytes),
                session.ReadMetrics().Sum(layer => layer.ProjectionBytesPerToken));
        }
    }

    /// <summary>In Predicted mode, and in the layers that have the policy: a projection, its end, a projection.</summary>
    [Fact]
    public void A_phase_is_launched_where_its_policy_acts()
    {
        DecoderCase declared = Policies[0];
        LanguageModel model = models.OnGpu(declared);
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Exact });
        session.Forward([1]);
        TestDevice.Launches(models.Gpu, () => session.Forward([2])).Count.ShouldBe((declared.Layers * 7) + 4);
        session.Mode = UserMode.Predicted;
        IReadOnlyList<string> launches = TestDevice.Launches(models.Gpu, () => session.Forward([3]));
        launches.Count.ShouldBe((declared.Layers * 7) + 4 + (4 * 3), string.Join(", ", launches));
        launches.Skip(6).Take(5).ShouldBe(["PolicyRows64xF32", "RectifyPredictorFactors", "PolicyRows32xF32", "LowRank", "JoinF32"]);
    }

    /// <summary>Heads of whole sectors, one of four kept: the output projection, and with a router the queries, load as much less.</summary>
    [Fact]
    public void Heads_that_are_left_out_are_not_loaded()
    {
        LanguageModel model = models.OnGpu(LargeHeads);
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Exact });
        session.Forward([1]);
        long[] all = Sectors();
        session.Mode = UserMode.Predicted;
        long[] kept = Sectors();

        // Queries are a half of the rows of heads. A sector of a row stands for what is left out of a load of the warp; and the input is staged as ever.
        kept[0].ShouldBeLessThan((long)(0.45 * all[0]), "ProjectF16, by queries");
        kept[1].ShouldBeLessThan((long)(0.45 * all[1]), "ProjectF16, by a router");
        kept[2].ShouldBeLessThanOrEqualTo(all[2] + 8, "HeadsF16, by queries");
        kept[3].ShouldBeLessThan((long)(0.75 * all[3]), "HeadsF16, by a router");

        long[] Sectors()
        {
            IReadOnlyList<LaunchCounters> launches = TestDevice.Count(models.Gpu, () => session.Forward([2]));
            return [.. new[] { "ProjectF16", "HeadsF16" }.SelectMany(name => launches.Where(launch => launch.Kernel == name).Select(launch => launch.Global.LoadedSectors))];
        }
    }

    private static ModelSpec Spec(DecoderCase declared)
    {
        ModelSpec spec = Parsed.Model(declared.Source, declared.FullName).ShouldNotBeNull();
        return !Traits.Contains(declared) ? spec : spec with
        {
            Traits = new TraitSpec[] { new TestShiftSpec(), new TestScalesSpec(0.3f, 0.125f) }.ToEquatableArray(),
        };
    }

    private static int Token(int vocabulary, int i) => ((i * i) + (3 * i) + 1) % vocabulary;

    private static float[] Run(LanguageModel model, SparsityMode mode, int prompt, bool sparse = true, bool metering = false)
    {
        using Session session = model.CreateSession(new SessionOptions
        {
            Mode = (UserMode)mode,
            SparsePrompt = sparse,
            Metering = metering,
            CacheType = KeyValueType.F32,
        });
        float[] logits = new float[prompt * model.Shape.Vocabulary];
        if (prompt > 0)
        {
            session.Forward([.. Enumerable.Range(0, prompt).Select(i => Token(model.Shape.Vocabulary, i))], logits);
        }

        var all = new List<float>(logits);
        for (int i = prompt; i < Tokens; i++)
        {
            all.AddRange(session.Forward([Token(model.Shape.Vocabulary, i)]));
        }

        return [.. all];
    }

    /// <summary>The tokens of <see cref="Run"/> beside another sequence's.</summary>
    private static float[] Together(LanguageModel model, SparsityMode mode, int vocabulary)
    {
        var options = new SessionOptions { Mode = (UserMode)mode, CacheType = KeyValueType.F32 };
        using Session session = model.CreateSession(options);
        using Session other = model.CreateSession(options);
        using SessionBatch batch = model.CreateBatch();
        var logits = new List<float>();
        for (int i = 0; i < Tokens; i++)
        {
            batch.Forward([other, session], [Token(vocabulary, i + 5), Token(vocabulary, i)]);
            logits.AddRange(batch.Logits(1));
        }

        return [.. logits];
    }

    private static IReadOnlyList<LayerMetrics> Metrics(LanguageModel model)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Predicted, Metering = true, CacheType = KeyValueType.F32 });
        for (int i = 0; i < Tokens; i++)
        {
            session.Forward([Token(model.Shape.Vocabulary, i)]);
        }

        return session.ReadMetrics();
    }

    private static void ShouldBeNear(float[] actual, float[] expected, float digits, string where) =>
        actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(digits * expected.Max(MathF.Abs), where);

    private static void ShouldHaveTheBitsOf(float[] actual, float[] expected, string where) =>
        MemoryMarshal.Cast<float, int>(actual).SequenceEqual(MemoryMarshal.Cast<float, int>(expected)).ShouldBeTrue(where);

    /// <summary>The models of these tests.</summary>
    public sealed class OwnModels : LoadedModels
    {
        private protected override DecoderWeights Weights(DecoderCase declared)
        {
            DecoderWeights weights = base.Weights(declared);
            if (Traits.Contains(declared))
            {
                weights.AddVector("output_shift.weight", declared.Vocabulary);
                for (int layer = 0; layer < declared.Layers; layer++)
                {
                    weights.AddVector($"blk.{layer}.attn_shift.weight", declared.Hidden);
                    weights.AddVector($"blk.{layer}.ffn_shift.weight", declared.Hidden);
                }
            }

            return weights;
        }

        private protected override LanguageModel Load(DecoderCase declared, string path, Device device) =>
            Assembly.Value.LoadModel(declared.FullName, path, device);
    }
}
