namespace SparseInfer.Models.Tests;

/// <summary>Text generation on a real model: how it ends, and what the session is afterwards.</summary>
public sealed class GenerationTests(LoadedModels models)
{
    private const string Prompt = "Once upon a time";

    private static readonly GenerationOptions Greedy = new() { MaxTokens = 40, Temperature = 0 };

    private LanguageModel Model => models.Get(Loaded.ReluF16);

    [Fact]
    public async Task Cancellation_in_the_middle_throws_and_leaves_the_session_usable()
    {
        using Session session = Model.CreateSession();
        using var cancel = new CancellationTokenSource();
        int pieces = 0;
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (string piece in session.GenerateAsync(Prompt, Greedy with { MaxTokens = 500 }, cancel.Token))
            {
                if (++pieces == 5)
                {
                    await cancel.CancelAsync();
                }
            }
        });

        // Nothing is computed before it is asked for.
        GenerationReport report = session.LastGeneration!;
        report.Reason.ShouldBe(StopReason.Canceled);
        report.GeneratedTokens.ShouldBe(5);
        session.Position.ShouldBe(report.PromptTokens + report.GeneratedTokens);

        session.Rewind(0);
        session.Mode = SparsityMode.Dense;
        (await session.GenerateAsync(Prompt, Greedy).TextAsync()).ShouldBe(await Alone(Greedy));
    }

    [Fact]
    public async Task Cancellation_before_the_prompt_ends_a_running_generation()
    {
        using Session session = Model.CreateSession();
        using var gate = new Gate();
        using var cancel = new CancellationTokenSource();
        Task<string> generation = session.GenerateAsync(Prompt, Greedy with { StopStrings = gate }, cancel.Token).TextAsync();
        await gate.Reached;
        await cancel.CancelAsync();
        gate.Open();
        await Should.ThrowAsync<OperationCanceledException>(() => generation);
        session.LastGeneration!.Reason.ShouldBe(StopReason.Canceled);
        session.Position.ShouldBe(0);
    }

    [Fact]
    public async Task A_token_that_is_canceled_already_runs_nothing()
    {
        using Session session = Model.CreateSession();
        await Should.ThrowAsync<OperationCanceledException>(
            () => session.GenerateAsync(Prompt, Greedy, new CancellationToken(canceled: true)).TextAsync());
        session.Position.ShouldBe(0);
        session.LastGeneration!.PromptTokens.ShouldBe(0);
    }

    [Fact]
    public async Task Leaving_the_loop_early_ends_the_generation_without_an_error()
    {
        using Session session = Model.CreateSession();
        await foreach (string piece in session.GenerateAsync(Prompt, Greedy with { MaxTokens = 500 }))
        {
            piece.ShouldNotBeEmpty();
            break;
        }

        // The generation has ended when the loop has: nothing holds the session any more.
        GenerationReport report = session.LastGeneration!;
        session.Position.ShouldBe(report.PromptTokens + report.GeneratedTokens);
        session.Rewind(1);
        session.Forward([300]).Length.ShouldBe(512);
    }

    [Fact]
    public async Task A_stop_string_ends_the_text_before_it()
    {
        string whole = await Alone(Greedy);
        using Session session = Model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });

        // Ends inside a token: the text is cut there all the same.
        const string stop = "little gi";
        whole.ShouldContain(stop);
        string text = await session.GenerateAsync(Prompt, Greedy with { StopStrings = ["no such text", stop] }).TextAsync();
        text.ShouldBe(whole[..whole.IndexOf(stop, StringComparison.Ordinal)]);
        session.LastGeneration!.Reason.ShouldBe(StopReason.StopString);
    }

    [Fact]
    public async Task One_seed_gives_one_text_and_another_seed_another()
    {
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 1.0, Seed = 7 };
        string text = await Alone(options);
        (await Alone(options)).ShouldBe(text);
        (await Alone(options with { Seed = 8 })).ShouldNotBe(text);
    }

    [Fact]
    public async Task A_full_context_ends_the_generation_and_refuses_more()
    {
        using Session session = Model.CreateSession(new SessionOptions { Context = 20, Mode = SparsityMode.Dense });
        string text = await session.GenerateAsync(Prompt, Greedy).TextAsync();
        session.LastGeneration!.Reason.ShouldBe(StopReason.ContextFull);
        session.Position.ShouldBe(20);
        (await Alone(Greedy)).ShouldStartWith(text);

        Should.Throw<InvalidOperationException>(() => session.Forward([300])).Message.ShouldContain("20 of 20 are in use");
        var error = await Should.ThrowAsync<InvalidOperationException>(() => session.GenerateAsync(" more", Greedy).TextAsync());
        error.Message.ShouldContain("SessionOptions.Context");
        session.Rewind(10);
        session.Forward([300]);
        session.Position.ShouldBe(11);
    }

    [Fact]
    public async Task A_rewound_session_computes_what_it_did_before()
    {
        int[] tokens = BundledFiles.Opening(60);
        using Session session = Model.CreateSession();
        float[] expected = Logits.OneByOne(session, tokens);
        session.Rewind(25);
        session.Position.ShouldBe(25);
        float[] again = Logits.OneByOne(session, tokens.AsSpan(25));
        Logits.ShouldBeBitIdentical(again, expected.AsSpan(25 * Logits.Vocabulary), "after a rewind");

        Should.Throw<ArgumentOutOfRangeException>(() => session.Rewind(61));
        Should.Throw<ArgumentOutOfRangeException>(() => session.Rewind(-1));

        // A second prompt goes on where the first ended, without another begin of sequence.
        session.Rewind(0);
        await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 1 }).TextAsync();
        int position = session.Position;
        await session.GenerateAsync(" there", Greedy with { MaxTokens = 1 }).TextAsync();
        int[] appended = Model.Tokenizer.Encode(" there", addBeginOfSequence: false, continuesText: true);
        session.Position.ShouldBe(position + 1 + appended.Length, "the token that was given out last is part of the sequence");
    }

    [Fact]
    public async Task A_story_told_in_three_parts_is_the_story_told_at_once()
    {
        using Session session = Model.CreateSession();
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 30 }).TextAsync();
        session.Rewind(0);
        string parts = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 1 }).TextAsync();
        parts += await session.GenerateAsync("", Greedy with { MaxTokens = 9 }).TextAsync();
        parts += await session.GenerateAsync("", Greedy with { MaxTokens = 20 }).TextAsync();
        parts.ShouldBe(whole);
    }

    [Fact]
    public async Task Sessions_side_by_side_give_the_text_that_each_gives_alone()
    {
        GoldenCase[] golden = GoldenCase.Read(BundledFiles.ReluFolder);
        foreach (int threads in new[] { 1, 2 })
        {
            LanguageModel model = models.Get(Loaded.ReluF16, threads);
            string[] texts = await Task.WhenAll(golden.Concat(golden).Select(one => Task.Run(async () =>
            {
                using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
                return one.Prompt + await session.GenerateAsync(one.Prompt, Greedy).TextAsync();
            })));
            for (int i = 0; i < texts.Length; i++)
            {
                golden[i % golden.Length].GreedyText.ShouldStartWith(texts[i]);
                texts[i].Length.ShouldBeGreaterThan(golden[i % golden.Length].Prompt.Length + 40);
            }
        }
    }

    [Fact]
    public async Task A_model_generates_in_a_session_of_its_own()
    {
        string text = await Model.GenerateAsync(Prompt, Greedy).TextAsync();
        using Session session = Model.CreateSession();
        (await session.GenerateAsync(Prompt, Greedy).TextAsync()).ShouldBe(text);
    }

    /// <summary>The text that a new session generates in mode Dense.</summary>
    private async Task<string> Alone(GenerationOptions options)
    {
        using Session session = Model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        return await session.GenerateAsync(Prompt, options).TextAsync();
    }
}
