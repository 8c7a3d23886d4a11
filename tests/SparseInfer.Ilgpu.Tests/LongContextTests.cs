using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Hundreds of tokens in the key-value cache, of heads that share keys and values, against the CPU.</summary>
[Collection(nameof(GpuModels))]
public sealed class LongContextTests(GpuModels models)
{
    private const int PromptTokens = 300;

    private static readonly DecoderCase Declared = GpuDecoders.Grouped;

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Predicted)]
    public void A_prompt_of_three_hundred_tokens_and_what_follows_have_the_logits_of_the_cpu(SparsityMode mode) => ShouldBeLikeTheCpu(mode, session =>
    {
        float[] prompt = new float[PromptTokens * Declared.Vocabulary];
        session.Forward(Tokens(0, PromptTokens), prompt);
        return [.. prompt, .. OneByOne(session, PromptTokens, 4)];
    });

    /// <summary>As a scheduler reads it: slices end inside tiles, and one has a single token.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_prompt_in_slices_has_the_bits_of_the_whole(bool sparse)
    {
        int[] prompt = Tokens(0, PromptTokens);
        var options = new SessionOptions { Mode = UserMode.Predicted, SparsePrompt = sparse };
        LanguageModel model = models.OnGpu(Declared);
        using Session whole = Read(PromptTokens);
        using Session session = Read(64, 1, 63, 7, 100, PromptTokens);
        session.State.LastLogits.ToArray().ShouldBe(whole.State.LastLogits.ToArray());
        session.Forward([5]).ToArray().ShouldBe(whole.Forward([5]).ToArray());

        Session Read(params int[] slices)
        {
            Session session = model.CreateSession(options);
            session.Sequence.Append(prompt, decoded: false);
            Array.ForEach(slices, slice => session.Sequence.ComputeNext(session.Step, [], slice));
            session.Sequence.IsComputed.ShouldBeTrue();
            return session;
        }
    }

    /// <summary>A sequence goes on from the middle, so that what the cache has beyond it must not be seen; then past where it had been.</summary>
    [Fact]
    public void A_session_that_goes_back_and_on_reads_nothing_of_what_it_left() => ShouldBeLikeTheCpu(SparsityMode.Exact, session =>
    {
        session.Forward(Tokens(0, PromptTokens));
        session.Rewind(250);
        float[] again = OneByOne(session, 7, 3);
        float[] logits = new float[80 * Declared.Vocabulary];
        session.Forward(Tokens(100, 80), logits);
        session.Rewind(1);
        return [.. again, .. logits, .. OneByOne(session, 31, 3)];
    });

    /// <summary>Two sequences in turns: each has its own cache, grown as it needs it.</summary>
    [Fact]
    public void Sequences_in_turns_do_not_meet()
    {
        LanguageModel model = models.OnGpu(Declared);
        var alone = new List<float>();
        using (Session session = New(model, SparsityMode.Exact))
        {
            for (int i = 0; i < 4; i++)
            {
                alone.AddRange(session.Forward(Tokens(i * 70, 70)));
            }
        }

        var inTurns = new List<float>();
        using (Session other = New(model, SparsityMode.Exact))
        using (Session session = New(model, SparsityMode.Exact))
        {
            for (int i = 0; i < 4; i++)
            {
                other.Forward(Tokens(i * 80, 80));
                inTurns.AddRange(session.Forward(Tokens(i * 70, 70)));
            }
        }

        inTurns.ShouldBe(alone);
    }

    /// <summary>Positions of one split of attention and of two, one of them passed on the way; both types of cache in one call.</summary>
    [Fact]
    public void Sequences_of_any_length_have_together_the_bits_that_they_have_alone()
    {
        int[] lengths = [0, 254, 260, 3, 17];
        LanguageModel model = models.OnGpu(Declared);
        Session[] alone = [.. lengths.Select(New)];
        Session[] together = [.. lengths.Select(New)];
        using SessionBatch batch = model.CreateBatch(lengths.Length);
        for (int step = 0; step < 4; step++)
        {
            int[] tokens = Tokens(9 * step, lengths.Length);
            batch.Forward(together, tokens);
            for (int i = 0; i < lengths.Length; i++)
            {
                ReadOnlySpan<float> expected = alone[i].Forward([tokens[i]]);
                MemoryMarshal.AsBytes(batch.Logits(i)).SequenceEqual(MemoryMarshal.AsBytes(expected)).ShouldBeTrue($"step {step}, {lengths[i]} tokens before it");
            }
        }

        foreach (Session session in (Session[])[.. alone, .. together])
        {
            session.Dispose();
        }

        Session New(int length)
        {
            KeyValueType type = length == 3 ? KeyValueType.F32 : KeyValueType.F16;
            Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Exact, CacheType = type, SparsePrompt = false });
            if (length > 0)
            {
                session.Forward(Tokens(length, length));
            }

            return session;
        }
    }

    private void ShouldBeLikeTheCpu(SparsityMode mode, Func<Session, float[]> run)
    {
        float[] expected = Run(models.OnCpu(Declared));
        float[] actual = Run(models.OnGpu(Declared));
        actual.Length.ShouldBe(expected.Length);
        float most = expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            // Written so that a NaN is found.
            (MathF.Abs(actual[i] - expected[i]) <= 1e-4f * most).ShouldBeTrue(
                $"{mode}, token {i / Declared.Vocabulary}, logit {i % Declared.Vocabulary}: {actual[i]} for {expected[i]}");
        }

        float[] Run(LanguageModel model)
        {
            using Session session = New(model, mode);
            return run(session);
        }
    }

    private static Session New(LanguageModel model, SparsityMode mode) =>
        model.CreateSession(new SessionOptions { Mode = (UserMode)mode, CacheType = KeyValueType.F32 });

    private static float[] OneByOne(Session session, int first, int count) =>
        [.. Enumerable.Range(first, count).SelectMany(i => session.Forward(Tokens(i, 1)).ToArray())];

    private static int[] Tokens(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(i => ((i * i) + (3 * i) + 1) % Declared.Vocabulary)];
}
