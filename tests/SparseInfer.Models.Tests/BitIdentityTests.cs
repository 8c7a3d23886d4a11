namespace SparseInfer.Models.Tests;

/// <summary>The numeric contract on whole models: what must not change a bit.</summary>
public sealed class BitIdentityTests(LoadedModels models)
{
    [Theory]
    [InlineData(Loaded.ReluF16, 500)]
    [InlineData(Loaded.ReluF32, 130)]
    [InlineData(Loaded.ReluMixedFile, 130)]
    public void Dense_and_exact_agree_on_every_token(Loaded model, int count)
    {
        int[] tokens = BundledFiles.Opening(count);
        float[] dense = OneByOne(model, SparsityMode.Dense, tokens);
        Logits.ShouldBeBitIdentical(OneByOne(model, SparsityMode.Exact, tokens), dense, "Exact, token by token");
        Logits.ShouldBeBitIdentical(Sparse(model, SparsityMode.Exact, tokens), dense, "Exact, as a sparse prompt");
        Logits.ShouldBeBitIdentical(Sparse(model, SparsityMode.Dense, tokens), dense, "Dense, as a sparse prompt");

        using Session session = models.Get(model).CreateSession();
        Logits.ShouldBeBitIdentical(Logits.Batched(session, tokens), dense, "a prompt in the default mode");
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluF32)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF32)]
    [InlineData(Loaded.Stories260KF16)]
    public void A_batched_prompt_agrees_with_token_by_token_at_every_length(Loaded model)
    {
        int[] tokens = BundledFiles.Opening(130);
        float[] expected = OneByOne(model, SparsityMode.Dense, tokens);
        using Session session = models.Get(model).CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        foreach (int length in new[] { 1, 2, 63, 64, 65, 130 })
        {
            session.Rewind(0);
            float[] batched = Logits.Batched(session, tokens.AsSpan(0, length));
            Logits.ShouldBeBitIdentical(batched, expected.AsSpan(0, length * Logits.Vocabulary), $"{length} tokens");

            // Without room for all logits, only the last token's are computed.
            session.Rewind(0);
            ReadOnlySpan<float> last = session.Forward(tokens.AsSpan(0, length));
            Logits.ShouldBeBitIdentical(last, Row(expected, length - 1), $"the last of {length}");
        }

        // Prompts that start anywhere in the sequence, with a decoding step between them.
        session.Rewind(0);
        int done = 0;
        foreach (int length in new[] { 63, 1, 65, 1 })
        {
            ReadOnlySpan<float> last = session.Forward(tokens.AsSpan(done, length));
            done += length;
            Logits.ShouldBeBitIdentical(last, Row(expected, done - 1), $"{length} up to {done}");
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluF32)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF16)]
    public void What_is_skipped_is_the_same_in_a_sparse_prompt_and_token_by_token(Loaded model)
    {
        int[] tokens = BundledFiles.Opening(130);
        float[] predicted = OneByOne(model, SparsityMode.Predicted, tokens);
        Logits.ShouldBeBitIdentical(Sparse(model, SparsityMode.Predicted, tokens), predicted, "as a sparse prompt");

        // The policy does something.
        float[] dense = OneByOne(model, SparsityMode.Dense, tokens);
        Logits.MaxDifference(predicted, dense).ShouldBeGreaterThan(0.01f);
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluF32)]
    [InlineData(Loaded.ReluMixedFile)]
    public void Metering_and_timing_change_no_bit(Loaded model)
    {
        int[] tokens = BundledFiles.Opening(40);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            float[] plain = OneByOne(model, mode, tokens);
            using Session metered = models.Get(model).CreateSession(new SessionOptions { Mode = mode, Metering = true });
            Logits.ShouldBeBitIdentical(Logits.OneByOne(metered, tokens), plain, $"{mode}, metered");
            using Session timed = models.Get(model).CreateSession(new SessionOptions { Mode = mode, Timing = true });
            Logits.ShouldBeBitIdentical(Logits.OneByOne(timed, tokens), plain, $"{mode}, timed");
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF16)]
    public void Any_number_of_threads_and_any_run_agree_in_every_mode(Loaded model)
    {
        using LanguageModel again = models.Load(model, threads: 2);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            float[] one = EveryWay(models.Get(model, threads: 1), mode);
            Logits.ShouldBeBitIdentical(EveryWay(models.Get(model, threads: 1), mode), one, $"{mode}, a second run");
            Logits.ShouldBeBitIdentical(EveryWay(models.Get(model, threads: 2), mode), one, $"{mode}, 2 threads");
            Logits.ShouldBeBitIdentical(EveryWay(models.Get(model, threads: 3), mode), one, $"{mode}, 3 threads");
            Logits.ShouldBeBitIdentical(EveryWay(again, mode), one, $"{mode}, 2 threads, loaded a second time");
        }
    }

    /// <summary>Logits of a dense prompt, a sparse prompt and decoding steps, one after the other.</summary>
    private static float[] EveryWay(LanguageModel model, SparsityMode mode)
    {
        int[] tokens = BundledFiles.Opening(96);
        using Session session = model.CreateSession(new SessionOptions { Mode = mode });
        float[] dense = Logits.Batched(session, tokens.AsSpan(0, 66));
        session.SparsePrompt = true;
        float[] sparse = Logits.Batched(session, tokens.AsSpan(66, 15));
        return [.. dense, .. sparse, .. Logits.OneByOne(session, tokens.AsSpan(81))];
    }

    private static ReadOnlySpan<float> Row(float[] logits, int token) =>
        logits.AsSpan(token * Logits.Vocabulary, Logits.Vocabulary);

    private float[] OneByOne(Loaded model, SparsityMode mode, int[] tokens)
    {
        using Session session = models.Get(model).CreateSession(new SessionOptions { Mode = mode });
        return Logits.OneByOne(session, tokens);
    }

    private float[] Sparse(Loaded model, SparsityMode mode, int[] tokens)
    {
        using Session session = models.Get(model).CreateSession(new SessionOptions { Mode = mode, SparsePrompt = true });
        return Logits.Batched(session, tokens);
    }
}
