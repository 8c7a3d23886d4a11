using SparseInfer.Generators.Tests.Execution;
using static SparseInfer.Ilgpu.Tests.GpuDecoderTests;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Decoders of experts on the software CUDA device: which of them a token has is known there only.</summary>
[Collection(nameof(GpuModels))]
public sealed class ExpertTests(GpuModels models)
{
    private const int Tokens = 7;

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } =
        new(["Mixtral", "SmallThinker", "OddExperts", "PlainExperts", "ThresholdedExperts"], Enum.GetValues<SparsityMode>());

    /// <summary>One token at a time, and as a prompt.</summary>
    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    [InlineData("WindowedExperts", SparsityMode.Predicted)]
    [InlineData("FiveBitExperts", SparsityMode.Predicted)]
    [InlineData("SuperBlockExperts", SparsityMode.Exact)]
    public void Logits_are_those_of_double_precision(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        bool isBlock = declared.AllWeights.Any(type => StoredFormat.For(type).IsBlock);
        double digits = declared.AllWeights.Min(type => StoredFormat.For(type).InputSteps) switch { null => 2e-5, < 1000 => 2e-2, _ => 5e-4 };
        var reference = new DecoderReference(declared, new DecoderWeights(declared), mode, roundsInput: isBlock, onGpu: true);
        float[] decoded = Decode(models.OnGpu(declared), mode);
        float[] prompt = Prompt(models.OnGpu(declared), mode);
        int astray = 0;
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double largest = expected.Max(Math.Abs);
            double Worst(float[] logits) => expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            astray += Worst(decoded) < digits * largest ? 0 : 1;

            // Products of a prompt take the inputs of block types as they are.
            if (!isBlock)
            {
                Worst(decoded).ShouldBeLessThan(digits * largest, $"{name}, {mode}, position {i}");
                Worst(prompt).ShouldBeLessThan(digits * largest, $"{name}, {mode}, position {i} of a prompt");
            }
        }

        // A rounding that differs may turn a sign that is read.
        astray.ShouldBeLessThanOrEqualTo(1, $"{name}, {mode}");
    }

    [Theory]
    [InlineData("Mixtral")]
    [InlineData("SmallThinker")]
    [InlineData("PlainExperts")]
    public void Exact_has_the_bits_of_dense_and_meters_change_none(string name)
    {
        LanguageModel model = models.OnGpu(GpuDecoders.Find(name));
        ShouldHaveTheBitsOf(Decode(model, SparsityMode.Dense), Decode(model, SparsityMode.Exact), "exact");
        ShouldHaveTheBitsOf(Prompt(model, SparsityMode.Dense), Prompt(model, SparsityMode.Exact), "exact, as a prompt");
        ShouldHaveTheBitsOf(Decode(model, SparsityMode.Predicted), Decode(model, SparsityMode.Predicted, metering: true), "metered");
    }

    [Theory]
    [InlineData("SmallThinker", SparsityMode.Dense)]
    [InlineData("SmallThinker", SparsityMode.Exact)]
    [InlineData("OddExperts", SparsityMode.Exact)]
    public void Meters_count_what_the_cpu_counts(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        IReadOnlyList<LayerMetrics> expected = Measure(models.OnCpu(declared));
        IReadOnlyList<LayerMetrics> actual = Measure(models.OnGpu(declared));
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            actual[layer].Tokens.ShouldBe(expected[layer].Tokens);
            actual[layer].ActualSparsity.ShouldBe(expected[layer].ActualSparsity);
            actual[layer].PredictedSparsity.ShouldBe(expected[layer].PredictedSparsity);
            actual[layer].BytesPerToken.ShouldBe(expected[layer].BytesPerToken);
        }

        IReadOnlyList<LayerMetrics> Measure(LanguageModel model)
        {
            using Session session = Start(model, mode, metering: true);
            session.Forward([.. Enumerable.Range(0, 3).Select(i => Token(declared.Vocabulary, i))]);
            for (int i = 3; i < Tokens; i++)
            {
                session.Forward([Token(declared.Vocabulary, i)]);
            }

            return session.ReadMetrics();
        }
    }

    /// <summary>Every logit of the router is zero: the first experts compute all tokens, and the others none.</summary>
    [Theory]
    [InlineData("Mixtral")]
    [InlineData("SmallThinker")]
    public void Of_equal_logits_the_first_experts_are_chosen(string name)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        var weights = new DecoderWeights(declared);
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            weights.Scale($"blk.{layer}.ffn_gate_inp.weight", 0);
        }

        float[] expected = GpuDecoders.With(declared, weights, models.Cpu, model => Decode(model, SparsityMode.Exact));
        float[] actual = GpuDecoders.With(declared, weights, models.Gpu, model => Decode(model, SparsityMode.Exact));
        expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-4f * expected.Max(MathF.Abs));
        expected.Zip(Decode(models.OnCpu(declared), SparsityMode.Exact), (a, b) => Math.Abs(a - b)).Max().ShouldBeGreaterThan(1e-2f * expected.Max(MathF.Abs));
    }

    private static Session Start(LanguageModel model, SparsityMode mode, bool metering = false) => model.CreateSession(new SessionOptions
    {
        Mode = (UserMode)mode,
        Metering = metering,
        SparsePrompt = mode != SparsityMode.Dense,
        CacheType = KeyValueType.F32,
    });

    private static float[] Decode(LanguageModel model, SparsityMode mode, bool metering = false)
    {
        using Session session = Start(model, mode, metering);
        return [.. Enumerable.Range(0, Tokens).SelectMany(i => session.Forward([Token(model.Shape.Vocabulary, i)]).ToArray())];
    }

    private static float[] Prompt(LanguageModel model, SparsityMode mode)
    {
        using Session session = Start(model, mode);
        float[] logits = new float[Tokens * model.Shape.Vocabulary];
        session.Forward([.. Enumerable.Range(0, Tokens).Select(i => Token(model.Shape.Vocabulary, i))], logits);
        return logits;
    }
}
