using SparseInfer.Runtime;

namespace SparseInfer.Models.Tests;

/// <summary>Key-value caches of every type on whole models: the numeric contract, and how far logits and perplexity are from F32's.</summary>
public sealed class KeyValueTypeTests(LoadedModels models)
{
    public static MatrixTheoryData<Loaded, KeyValueType> ModelsAndTypes { get; } =
        new([Loaded.ReluF16, Loaded.Stories260KF32], [KeyValueType.F16, KeyValueType.Q8_0]);

    [Theory]
    [MemberData(nameof(ModelsAndTypes))]
    public void A_prompt_agrees_with_token_by_token_and_exact_with_dense(Loaded model, KeyValueType type)
    {
        int[] tokens = BundledFiles.Opening(130);
        float[] dense = OneByOne(models.Get(model), type, SparsityMode.Dense, tokens);
        Logits.ShouldBeBitIdentical(OneByOne(models.Get(model), type, SparsityMode.Exact, tokens), dense, "Exact, token by token");

        using Session session = Create(models.Get(model), type, SparsityMode.Exact);
        session.CacheType.ShouldBe(type);
        foreach (int length in new[] { 1, 5, 64, 130 })
        {
            session.Rewind(0);
            Logits.ShouldBeBitIdentical(
                Logits.Batched(session, tokens.AsSpan(0, length)), dense.AsSpan(0, length * Logits.Vocabulary), $"{length} tokens");
        }

        // Prompts that start anywhere in the sequence, with a decoding step between them.
        session.Rewind(3);
        int done = 3;
        foreach (int length in new[] { 60, 1, 65, 1 })
        {
            ReadOnlySpan<float> last = session.Forward(tokens.AsSpan(done, length));
            done += length;
            Logits.ShouldBeBitIdentical(last, dense.AsSpan((done - 1) * Logits.Vocabulary, Logits.Vocabulary), $"{length} up to {done}");
        }

        session.Rewind(0);
        session.SparsePrompt = true;
        Logits.ShouldBeBitIdentical(Logits.Batched(session, tokens), dense, "Exact, as a sparse prompt");
    }

    [Theory]
    [MemberData(nameof(ModelsAndTypes))]
    public void Any_number_of_threads_agrees(Loaded model, KeyValueType type)
    {
        int[] tokens = BundledFiles.Opening(70);
        float[] one = OneByOne(models.Get(model, threads: 1), type, SparsityMode.Predicted, tokens);
        foreach (int threads in new[] { 2, 3 })
        {
            Logits.ShouldBeBitIdentical(
                OneByOne(models.Get(model, threads), type, SparsityMode.Predicted, tokens), one, $"{threads} threads");
        }
    }

    [Theory]
    [InlineData(KeyValueType.F16, 0.03f, 2e-4)]
    [InlineData(KeyValueType.Q8_0, 1.2f, 2e-3)]
    public void Logits_and_perplexity_are_close_to_those_of_single_precision(KeyValueType type, float ofLogits, double ofPerplexity)
    {
        const int Tokens = 2048;
        using Session single = Create(models.Get(Loaded.ReluF16), KeyValueType.F32, SparsityMode.Dense);
        using Session session = Create(models.Get(Loaded.ReluF16), type, SparsityMode.Dense);
        int[] tokens = BundledFiles.Opening(256);
        float difference = Logits.MaxDifference(Logits.Batched(session, tokens), Logits.Batched(single, tokens));

        double expected = Perplexity.Of(single, BundledFiles.EvaluationTokens.AsSpan(0, Tokens));
        double perplexity = Perplexity.Of(session, BundledFiles.EvaluationTokens.AsSpan(0, Tokens));
        TestContext.Current.TestOutputHelper!.WriteLine($"logits {difference:R}; perplexity {perplexity:R}, single precision {expected:R}");
        difference.ShouldBeInRange(float.Epsilon, ofLogits, "the type is used, and no more is lost than it loses");
        perplexity.ShouldBe(expected, expected * ofPerplexity);
    }

    [Theory]
    [InlineData(KeyValueType.F32, 128, 512)]
    [InlineData(KeyValueType.F16, 128, 256)]
    [InlineData(KeyValueType.Q8_0, 128, 136)]
    [InlineData(KeyValueType.F32, 80, 320)]
    [InlineData(KeyValueType.F16, 80, 160)]
    [InlineData(KeyValueType.Q8_0, 80, 102)]
    [InlineData(KeyValueType.F16, 33, 96)]
    public void A_position_takes_the_bytes_of_its_type(KeyValueType type, int headDimension, int bytes) =>
        CpuKeyValueCache.RowBytes(type, headDimension).ShouldBe(bytes);

    private static Session Create(LanguageModel model, KeyValueType type, SparsityMode mode) =>
        model.CreateSession(new SessionOptions { Mode = mode, CacheType = type });

    private static float[] OneByOne(LanguageModel model, KeyValueType type, SparsityMode mode, int[] tokens)
    {
        using Session session = Create(model, type, mode);
        return Logits.OneByOne(session, tokens);
    }
}
