using SparseInfer.Runtime.Tests.Sessions;
using SparseInfer.Runtime.Tests.Text;
using SparseInfer.Sampling;
using SparseInfer.Serving;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>Answers of a form, wherever they are computed.</summary>
public sealed class ConstrainedGenerationTests
{
    private static readonly Grammar Form = Grammar.Parse("root ::= ([a-c] [é]){3,6} \"t\" [d-f]*");

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public async Task An_answer_has_its_form_alone_among_others_and_cut_into_calls(double temperature)
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 4, KeptSessions = 2 });
        for (ulong seed = 1; seed <= 6; seed++)
        {
            var options = new GenerationOptions { Grammar = Form, Seed = seed, Temperature = temperature, MaxTokens = 40, RepetitionPenalty = seed % 2 == 0 ? 1.5 : 1 };
            using Session alone = model.CreateSession();
            string text = await SchedulerHarness.TextAsync(alone.GenerateAsync("abc", options));
            if (alone.LastGeneration!.Reason == StopReason.EndOfSequence)
            {
                Form.Matches(text).ShouldBeTrue(text);
            }

            using Session cut = model.CreateSession();
            string pieces = await SchedulerHarness.TextAsync(cut.GenerateAsync("abc", options with { MaxTokens = 4 }));
            for (int left = 36; left > 0 && cut.LastGeneration!.Reason == StopReason.MaxTokens; left -= 5)
            {
                pieces += await SchedulerHarness.TextAsync(cut.GenerateAsync("", options with { MaxTokens = Math.Min(left, 5) }));
            }

            pieces.ShouldStartWith(text[..Math.Min(text.Length, pieces.Length)]);
            Task<string>[] answers = [.. Enumerable.Range(0, 3).Select(async _ =>
            {
                string all = "";
                await foreach (ServicePiece piece in service.CompleteAsync(new CompletionRequest("abc") { Options = options, Mode = SparsityMode.Dense, LogProbs = seed == 3 ? 2 : null }))
                {
                    all += piece.Text;
                }

                return all;
            })];
            (await Task.WhenAll(answers)).Distinct().Count().ShouldBe(1);
        }
    }

    [Fact]
    public async Task Where_nothing_may_follow_the_answer_ends_and_the_form_goes_on_in_the_next_call()
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        using Session session = model.CreateSession();
        var options = new GenerationOptions { Grammar = Grammar.Parse("root ::= \"abc\" \"é\" \"def\""), Seed = 1, MaxTokens = 3 };

        string text = await SchedulerHarness.TextAsync(session.GenerateAsync("t", options));
        (text, session.LastGeneration!.Reason).ShouldBe(("abc", StopReason.MaxTokens));
        text += await SchedulerHarness.TextAsync(session.GenerateAsync("", options with { MaxTokens = 20 }));
        (text, session.LastGeneration!.Reason, session.LastGeneration.EndToken).ShouldBe(("abcédef", StopReason.GrammarEnd, null));

        // Another grammar cannot go on there, and begins with a prompt.
        InvalidOperationException exception = await Should.ThrowAsync<InvalidOperationException>(
            async () => await SchedulerHarness.TextAsync(session.GenerateAsync("", options with { Grammar = Grammar.Parse("root ::= \"q\"+") })));
        exception.Message.ShouldContain("does not follow GenerationOptions.Grammar");
        session.Forward([5]);
        (await SchedulerHarness.TextAsync(session.GenerateAsync("", options with { Grammar = Grammar.Parse("root ::= \"q\"{2}") }))).ShouldBe("qq");
        (await SchedulerHarness.TextAsync(session.GenerateAsync("", options with { IgnoreEndOfSequence = true, Grammar = Grammar.Parse("root ::= [q]{2} \"r\"?"), MaxTokens = 1 }))).ShouldBe("r");
    }

    [Fact]
    public async Task Where_no_token_of_the_vocabulary_may_follow_it_is_an_error()
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        using Session session = model.CreateSession();

        GrammarException exception = await Should.ThrowAsync<GrammarException>(
            async () => await SchedulerHarness.TextAsync(session.GenerateAsync("abc", new() { Grammar = Grammar.Parse("root ::= \"a\" \"z\"") })));

        exception.Message.ShouldContain("allows no token of the vocabulary");
        Should.Throw<ArgumentException>(() => new Sampler(new() { Grammar = Form }, 24)).Message.ShouldContain("give the sampler the tokenizer");
    }

    [Fact]
    public void Nothing_is_allocated_where_the_grammar_was_before()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().BuildTokenizer();
        var logits = new float[tokenizer.VocabularySize];
        var options = new GenerationOptions { Grammar = Grammar.Parse("root ::= ([a-c] [d-f])*"), Seed = 1 };
        var warm = new Sampler(options, tokenizer);
        for (int i = 0; i < 64; i++)
        {
            warm.Sample(logits);
        }

        var sampler = new Sampler(options, tokenizer);
        sampler.Sample(logits);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 32; i++)
        {
            sampler.Sample(logits);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
