using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Whole generated decoders on the software CUDA device, which stops at every fault it checks for.</summary>
[Collection(nameof(GpuModels))]
public sealed class GpuDecoderTests(GpuModels models)
{
    /// <summary>A prompt of two batches would be longer: <see cref="A_context_of_several_splits_has_the_logits_of_the_cpu"/> has them.</summary>
    private const int PromptTokens = 5;

    private const int Tokens = 8;

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } =
        new(GpuDecoders.Short.Select(model => model.Name), Enum.GetValues<SparsityMode>());

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    [InlineData("TiedRoles", SparsityMode.Predicted)]
    public void Logits_are_those_of_double_precision(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        bool rounds = Rounds(declared);
        float[] logits = Run(models.OnGpu(declared), mode, promptTokens: rounds ? 0 : PromptTokens);
        DecoderReference reference = TraitZoo.Reference(declared, weights, mode, roundsInput: rounds, onGpu: true);

        // A few hundred roundings in a row leave five digits. Block types round inputs, as on the CPU: a difference in the
        // last digits takes one to the next step now and then, and may turn the sign that a predictor reads.
        double digits = declared.AllWeights.Min(type => StoredFormat.For(type).InputSteps) switch { null => 2e-5, < 1000 => 2e-2, _ => 5e-4 };
        int astray = 0;
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            bool isNear = worst < digits * expected.Max(Math.Abs);
            astray += isNear ? 0 : 1;
            if (!rounds || mode != SparsityMode.Predicted)
            {
                isNear.ShouldBeTrue($"{name}, {mode}, position {i}: {worst} of {expected.Max(Math.Abs)}");
            }
        }

        astray.ShouldBeLessThanOrEqualTo(1, $"{name}, {mode}");
    }

    /// <summary>The products of prompts take inputs as they are.</summary>
    [Theory]
    [InlineData("Bytes")]
    [InlineData("Nibbles")]
    [InlineData("MixedBlocks")]
    public void A_prompt_of_a_block_type_is_that_of_double_precision_without_rounding(string name)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        float[] logits = Run(models.OnGpu(declared), SparsityMode.Dense, promptTokens: Tokens);
        var reference = new DecoderReference(declared, new DecoderWeights(declared), SparsityMode.Dense, roundsInput: false);
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            worst.ShouldBeLessThan(2e-5 * expected.Max(Math.Abs), $"{name}, position {i}");
        }
    }

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Every_run_has_the_same_bits_metered_or_not_and_sessions_share_the_weights(string name, SparsityMode mode)
    {
        LanguageModel model = models.OnGpu(GpuDecoders.Find(name));
        float[] first = Run(model, mode);
        long allocated = models.Gpu.AllocatedBytes;
        ShouldHaveTheBitsOf(first, Run(model, mode), "again");
        ShouldHaveTheBitsOf(first, Run(model, mode, metering: true), "metered");
        if (mode == SparsityMode.Exact)
        {
            // A prompt that computes every neuron is a product in tiles, whose sums have another order than one token's.
            ShouldHaveTheBitsOf(Run(model, SparsityMode.Dense, promptTokens: 0), Run(model, mode, promptTokens: 0), "exact, one by one");
            ShouldHaveTheBitsOf(Run(model, SparsityMode.Dense), Run(model, mode, sparsePrompt: false), "exact, prompt in tiles");
        }

        models.Gpu.AllocatedBytes.ShouldBe(allocated, "sessions give back what they allocate, and weights are there once");
    }

    [Theory]
    [InlineData("Plain", SparsityMode.Predicted)]
    [InlineData("HalfSplitOdd", SparsityMode.Dense)]
    [InlineData("DoubleRelu", SparsityMode.Predicted)]
    public void A_sparse_prompt_has_the_bits_of_one_token_at_a_time_in_its_feed_forwards(string name, SparsityMode mode)
    {
        // Attention's matrix products are tiled in a prompt, so that digits differ; the neurons that are left out do not.
        LanguageModel model = models.OnGpu(GpuDecoders.Find(name));
        MaxDifference(Run(model, mode, promptTokens: 0), Run(model, mode, sparsePrompt: mode != SparsityMode.Dense)).ShouldBeLessThan(1e-4);
    }

    [Theory]
    [InlineData("Plain", SparsityMode.Dense)]
    [InlineData("Plain", SparsityMode.Predicted)]
    [InlineData("EveryBlock", SparsityMode.Dense)]
    [InlineData("EveryBlock", SparsityMode.Predicted)]
    public void Logits_are_those_of_the_cpu(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        float[] expected = Run(models.OnCpu(declared), mode);
        float[] actual = Run(models.OnGpu(declared), mode);

        MaxDifference(expected, actual).ShouldBeLessThan(1e-4 * expected.Max(MathF.Abs));
    }

    /// <summary>A prompt's batch leaves them where the head would read them.</summary>
    [Theory]
    [InlineData("Plain")]
    [InlineData("MixedBlocks")]
    [InlineData("Falcon7B")]
    [InlineData("Mixtral")]
    public void Hidden_states_are_those_of_the_cpu_however_a_text_is_cut(string name)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        float[] expected = Hidden(models.OnCpu(declared), Tokens);
        float[] actual = Hidden(models.OnGpu(declared), Tokens);
        bool rounds = Rounds(declared); // on the CPU alone: a GPU's products of prompts take their inputs as they are
        MaxDifference(expected, actual).ShouldBeLessThan((rounds ? 2e-2f : 1e-4f) * expected.Max(MathF.Abs), name);
        ShouldHaveTheBitsOf(actual, Hidden(models.OnGpu(declared), 3), "three tokens at a time");

        float[] Hidden(LanguageModel model, int most)
        {
            int[] tokens = [.. Enumerable.Range(0, Tokens).Select(i => Token(declared.Vocabulary, i))];
            using Session session = model.CreateSession(new SessionOptions { CacheType = KeyValueType.F32 });
            HiddenPool pool = model.CreatePool(tokens, new EmbeddingOptions { Pooling = EmbeddingPooling.None, Normalize = false });
            session.Sequence.Append(tokens, decoded: false);
            while (session.Sequence.Computed < tokens.Length)
            {
                pool.ReadFrom(session.Sequence, most);
            }

            return pool.Finish().Values.ToArray();
        }
    }

    [Fact]
    public void Only_layers_that_predict_have_signs_on_the_device()
    {
        using IlgpuDevice device = TestDevice.Open();
        long Bytes(DecoderCase declared) => GpuDecoders.With(declared, new DecoderWeights(declared), device, _ => device.AllocatedBytes);

        // A plane has a bit for each weight of the first matrix: a row of 128 signs, 16 bytes, for each of 70 neurons.
        (Bytes(GpuDecoders.EvenPredicted) - Bytes(GpuDecoders.Even)).ShouldBe(70 * 16);
        device.AllocatedBytes.ShouldBe(0);
    }

    [Theory]
    [InlineData("LongContext")]
    [InlineData("LongContextInWindows")]
    public void A_context_of_several_splits_has_the_logits_of_the_cpu(string name)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        MaxDifference(Run(models.OnCpu(declared)), Run(models.OnGpu(declared))).ShouldBeLessThan(1e-4);

        float[] Run(LanguageModel model)
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Dense, CacheType = KeyValueType.F32 });
            float[] logits = new float[254 * declared.Vocabulary];
            session.Forward([.. Enumerable.Range(0, 254).Select(i => Token(declared.Vocabulary, i))], logits);
            var all = new List<float>(logits);
            for (int i = 254; i < 259; i++)
            {
                all.AddRange(session.Forward([Token(declared.Vocabulary, i)]));
            }

            logits = new float[260 * declared.Vocabulary];
            session.Forward([.. Enumerable.Range(259, 260).Select(i => Token(declared.Vocabulary, i))], logits);
            return [.. all, .. logits];
        }
    }

    [Theory]
    [InlineData("EvenSigns", SparsityMode.Dense)]
    [InlineData("EvenSigns", SparsityMode.Exact)]
    [InlineData("EvenSigns", SparsityMode.Predicted)]
    [InlineData("Biased", SparsityMode.Predicted)]
    [InlineData("HalfSplitOdd", SparsityMode.Exact)]
    [InlineData("Thresholded", SparsityMode.Predicted)]
    [InlineData("DoubleRelu", SparsityMode.Exact)]
    [InlineData("DoubleRelu", SparsityMode.Dense)]
    [InlineData("WideHeads", SparsityMode.Exact)]
    [InlineData("Falcon40B", SparsityMode.Exact)]
    [InlineData("BitNetWide", SparsityMode.Exact)]
    [InlineData("Cut", SparsityMode.Predicted)]
    [InlineData("CutOdd", SparsityMode.Dense)]
    public void Meters_count_what_the_cpu_counts(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        IReadOnlyList<LayerMetrics> expected = Measure(models.OnCpu(declared));
        IReadOnlyList<LayerMetrics> actual = Measure(models.OnGpu(declared));
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            (LayerMetrics a, LayerMetrics b) = (actual[layer], expected[layer]);
            string where = $"{name}, {mode}, layer {layer}";
            a.Tokens.ShouldBe(b.Tokens, where);
            a.ActualSparsity.ShouldBe(b.ActualSparsity, where);
            a.PredictedSparsity.ShouldBe(b.PredictedSparsity, where);
            a.Precision.ShouldBe(b.Precision, where);
            a.Recall.ShouldBe(b.Recall, where);
            a.BytesPerToken.ShouldBe(b.BytesPerToken, where);
        }

        IReadOnlyList<LayerMetrics> Measure(LanguageModel model)
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = true, CacheType = KeyValueType.F32 });
            for (int i = 0; i < Tokens; i++)
            {
                session.Forward([Token(declared.Vocabulary, i)]);
            }

            return session.ReadMetrics();
        }
    }

    [Theory]
    [InlineData("Plain")]
    [InlineData("Mixed")]
    public void The_devices_greedy_token_is_that_of_the_logits(string name)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        using Session session = models.OnGpu(declared).CreateSession(new SessionOptions());
        for (int i = 0; i < 20; i++)
        {
            ReadOnlySpan<float> logits = session.Forward([Token(declared.Vocabulary, i)]);
            int best = 0;
            for (int j = 1; j < logits.Length; j++)
            {
                best = logits[j] > logits[best] ? j : best;
            }

            StateOf(session).TryGreedy(declared.Vocabulary, out int token).ShouldBeTrue();
            token.ShouldBe(best);
        }
    }

    [Fact]
    public void A_token_takes_seven_launches_a_layer_and_four_more()
    {
        DecoderCase declared = GpuDecoders.Even;
        using Session session = models.OnGpu(declared).CreateSession(new SessionOptions { Mode = UserMode.Predicted });
        session.Forward([1]);
        IReadOnlyList<string> launches = TestDevice.Launches(models.Gpu, () => session.Forward([2]));

        launches.Count.ShouldBe((declared.Layers * 7) + 4, string.Join(", ", launches));
        launches.Skip(6).Take(2).ShouldBe(["SignBit", "JoinF16"]);
    }

    /// <summary>What a session's sampling asks; files of random weights have no tokenizer to generate text with.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_state")]
    internal static extern ref DecoderState StateOf(Session session);

    /// <summary>Logits of all tokens: some in one call, as a prompt, the rest one by one.</summary>
    private static float[] Run(
        LanguageModel model, SparsityMode mode, bool metering = false, bool? sparsePrompt = null, int promptTokens = PromptTokens)
    {
        bool sparse = sparsePrompt ?? mode != SparsityMode.Dense;
        using Session session = model.CreateSession(new SessionOptions
        {
            Mode = (UserMode)mode,
            Metering = metering,
            SparsePrompt = sparse,
            CacheType = KeyValueType.F32,
        });
        float[] prompt = new float[promptTokens * model.Shape.Vocabulary];
        if (promptTokens > 0)
        {
            session.Forward([.. Enumerable.Range(0, promptTokens).Select(i => Token(model.Shape.Vocabulary, i))], prompt);
        }

        var logits = new List<float>(prompt);
        for (int i = promptTokens; i < Tokens; i++)
        {
            logits.AddRange(session.Forward([Token(model.Shape.Vocabulary, i)]));
        }

        return [.. logits];
    }

    private static bool Rounds(DecoderCase declared) => declared.AllWeights.Any(type => StoredFormat.For(type).IsBlock);

    internal static int Token(int vocabulary, int i) => ((i * i) + (3 * i) + 1) % vocabulary;

    private static double MaxDifference(float[] a, float[] b)
    {
        a.Length.ShouldBe(b.Length);
        return a.Zip(b, (x, y) => float.IsNaN(x - y) ? float.PositiveInfinity : Math.Abs(x - y)).Max();
    }

    internal static void ShouldHaveTheBitsOf(float[] expected, float[] actual, string where) =>
        MemoryMarshal.AsBytes<float>(actual).SequenceEqual(MemoryMarshal.AsBytes<float>(expected)).ShouldBeTrue(where);
}
