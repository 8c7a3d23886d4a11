namespace SparseInfer.Models.Tests;

/// <summary>The text that was shown is the sequence: after calls that end in every way there is.</summary>
public sealed class SequenceTests(LoadedModels models)
{
    private const string Prompt = "Once upon a time";

    private static readonly GenerationOptions Greedy = new() { MaxTokens = 5, Temperature = 0 };

    private LanguageModel Model => models.Get(Loaded.ReluF16);

    private int PromptTokens => Model.Tokenizer.Encode(Prompt, addBeginOfSequence: true).Length;

    [Fact]
    public async Task A_canceled_call_costs_no_token_of_the_call_before()
    {
        using Session session = Model.CreateSession();
        string text = await session.GenerateAsync(Prompt, Greedy).TextAsync();
        session.Position.ShouldBe(PromptTokens + 5);
        await Should.ThrowAsync<OperationCanceledException>(
            () => session.GenerateAsync(" and", Greedy, new CancellationToken(canceled: true)).TextAsync());
        session.Position.ShouldBe(PromptTokens + 5);
        text += " and" + await session.GenerateAsync(" and", Greedy).TextAsync();

        using Session whole = Model.CreateSession();
        string expected = await whole.GenerateAsync(Prompt, Greedy).TextAsync();
        expected += " and" + await whole.GenerateAsync(" and", Greedy).TextAsync();
        text.ShouldBe(expected);
        session.Position.ShouldBe(whole.Position);
    }

    [Fact]
    public async Task Forward_continues_after_the_token_that_was_handed_out_last()
    {
        using Session session = Model.CreateSession();
        string text = await session.GenerateAsync(Prompt, Greedy).TextAsync();
        int position = session.Position;
        float[] logits = session.Forward([300]).ToArray();
        session.Position.ShouldBe(position + 1);

        // The same tokens by hand: the prompt, then one by one what the model wrote.
        using Session byHand = Model.CreateSession();
        int[] prompt = Model.Tokenizer.Encode(Prompt, addBeginOfSequence: true);
        float[] all = Logits.Batched(byHand, prompt);
        float[] last = all[^Logits.Vocabulary..];
        var written = new List<int>();
        for (int i = 0; i < 5; i++)
        {
            written.Add(Array.IndexOf(last, last.Max()));
            last = byHand.Forward([written[^1]]).ToArray();
        }

        Model.Tokenizer.Decode([.. prompt, .. written]).ShouldBe(Prompt + text);
        Logits.ShouldBeBitIdentical(logits, byHand.Forward([300]), "after a generation");
    }

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public async Task The_text_does_not_depend_on_how_it_is_cut_into_calls(SparsityMode mode)
    {
        foreach (string prompt in GoldenCase.Read(BundledFiles.ReluFolder).Select(golden => golden.Prompt))
        {
            using Session session = Model.CreateSession(new SessionOptions { Mode = mode });
            string whole = await session.GenerateAsync(prompt, Greedy with { MaxTokens = 42 }).TextAsync();
            int position = session.Position;
            foreach (int part in new[] { 1, 2, 7 })
            {
                session.Rewind(0);
                string text = await session.GenerateAsync(prompt, Greedy with { MaxTokens = part }).TextAsync();
                for (int done = part; done < 42; done += part)
                {
                    text += await session.GenerateAsync("", Greedy with { MaxTokens = part }).TextAsync();
                }

                text.ShouldBe(whole, $"{mode}, by {part}");
                session.Position.ShouldBe(position);
            }
        }
    }

    [Fact]
    public async Task Ten_calls_for_one_token_skip_what_one_call_for_ten_does()
    {
        using Session whole = Model.CreateSession(new SessionOptions { Metering = true });
        await whole.GenerateAsync(Prompt, Greedy with { MaxTokens = 10 }).TextAsync();
        using Session cut = Model.CreateSession(new SessionOptions { Metering = true });
        await cut.GenerateAsync(Prompt, Greedy with { MaxTokens = 1 }).TextAsync();
        for (int i = 1; i < 10; i++)
        {
            await cut.GenerateAsync("", Greedy with { MaxTokens = 1 }).TextAsync();
            cut.LastGeneration!.PromptTokens.ShouldBe(0);
            cut.LastGeneration.DecodedTokens.ShouldBe(1);
        }

        whole.ReadMetrics()[0].Tokens.ShouldBe(9);
        whole.ReadMetrics()[0].PredictedSparsity.ShouldBeGreaterThan(0.1);
        cut.ReadMetrics().Select(layer => layer.ToString()).ShouldBe(whole.ReadMetrics().Select(layer => layer.ToString()));
    }

    [Fact]
    public async Task A_reader_who_stops_leaves_the_sequence_at_what_was_handed_out()
    {
        string whole = await Model.GenerateAsync(Prompt, Greedy with { MaxTokens = 20 }).TextAsync();
        using Session session = Model.CreateSession();
        string text = "";
        int pieces = 0;
        await foreach (string piece in session.GenerateAsync(Prompt, Greedy with { MaxTokens = 500 }))
        {
            text += piece;
            session.Position.ShouldBe(PromptTokens + ++pieces);
            if (pieces == 3)
            {
                break;
            }
        }

        session.Position.ShouldBe(PromptTokens + 3);
        session.LastGeneration!.Reason.ShouldBe(StopReason.Canceled);
        text += await session.GenerateAsync("", Greedy with { MaxTokens = 17 }).TextAsync();
        text.ShouldBe(whole);
    }

    [Fact]
    public async Task A_prompt_that_was_canceled_half_way_goes_on_with_an_empty_one()
    {
        // More than one step of a prompt, so that a cancellation falls between two of them.
        string prompt = string.Concat(Enumerable.Repeat("Once upon a time there was a little girl. ", 24));
        using Session whole = Model.CreateSession();
        string expected = await whole.GenerateAsync(prompt, Greedy).TextAsync();
        whole.LastGeneration!.PromptTokens.ShouldBeGreaterThan(256);

        bool halfWay = false;
        for (int round = 0; round < 50 && !halfWay; round++)
        {
            using Session session = Model.CreateSession();
            using var cancel = new CancellationTokenSource();
            IAsyncEnumerator<string> pieces = session.GenerateAsync(prompt, Greedy, cancel.Token).GetAsyncEnumerator();
            ValueTask<bool> first = pieces.MoveNextAsync();
            SpinWait.SpinUntil(() => session.Position > 0);
            await cancel.CancelAsync();
            string text = "";
            try
            {
                text = await first ? pieces.Current : "";
            }
            catch (OperationCanceledException)
            {
            }

            await pieces.DisposeAsync();
            int computed = session.LastGeneration!.PromptTokens;
            halfWay = computed > 0 && computed < whole.LastGeneration.PromptTokens;
            session.Position.ShouldBe(whole.LastGeneration.PromptTokens + (text.Length > 0 ? 1 : 0));
            text += await session.GenerateAsync("", Greedy with { MaxTokens = text.Length > 0 ? 4 : 5 }).TextAsync();
            text.ShouldBe(expected);
        }

        halfWay.ShouldBeTrue();
    }

    [Fact]
    public async Task Tokens_of_a_half_matched_stop_string_are_not_in_the_sequence()
    {
        using Session session = Model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 30 }).TextAsync();
        session.Rewind(0);

        // Three tokens begin this stop string, and then another goes on differently.
        int at = whole.IndexOf("little", StringComparison.Ordinal);
        GenerationOptions options = Greedy with { StopStrings = [whole.Substring(at, 12) + "#"] };
        string text = await session.GenerateAsync(Prompt, options with { MaxTokens = TokensTo(whole, at + 8) }).TextAsync();
        text.ShouldBe(whole[..text.Length]);
        text.Length.ShouldBeLessThanOrEqualTo(at);
        GenerationReport report = session.LastGeneration!;
        report.HeldText.ShouldNotBeEmpty();
        (text + report.HeldText).ShouldBe(whole[..(text.Length + report.HeldText.Length)]);
        Shown(session, text);

        // Another prompt takes their place; an empty one takes them up.
        text += await session.GenerateAsync("", options with { MaxTokens = 10 }).TextAsync();
        text.ShouldBe(whole[..text.Length]);
        text.Length.ShouldBeGreaterThan(at + 12);
        Shown(session, text);
    }

    [Fact]
    public async Task Tokens_that_are_held_are_not_in_the_metrics()
    {
        using Session session = Model.CreateSession(new SessionOptions { Mode = SparsityMode.Exact, Metering = true });
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 30 }).TextAsync();
        session.Rewind(0);
        session.ResetMetrics();
        int at = whole.IndexOf("little", StringComparison.Ordinal);
        GenerationOptions options = Greedy with { StopStrings = [whole.Substring(at, 12) + "#"], MaxTokens = TokensTo(whole, at + 8) };
        await session.GenerateAsync(Prompt, options).TextAsync();
        session.LastGeneration!.DecodedTokens.ShouldBeGreaterThan(session.Position - session.LastGeneration.PromptTokens);
        LayerMetrics[] held = [.. session.ReadMetrics()];
        held[0].Tokens.ShouldBeLessThanOrEqualTo(session.Position);

        session.Rewind(session.Position);
        session.ReadMetrics().ShouldBe(held);
    }

    [Fact]
    public async Task Other_text_after_a_half_matched_stop_string_takes_its_place()
    {
        using Session session = Model.CreateSession(new SessionOptions { Metering = true });
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 30 }).TextAsync();
        int at = whole.IndexOf("little", StringComparison.Ordinal);
        session.Rewind(0);
        session.ResetMetrics();
        GenerationOptions options = Greedy with { StopStrings = [whole.Substring(at, 12) + "#"], MaxTokens = TokensTo(whole, at + 8) };
        string text = await session.GenerateAsync(Prompt, options).TextAsync();
        session.LastGeneration!.HeldText.ShouldNotBeEmpty();
        int written = session.Position - PromptTokens;
        int[] more = Model.Tokenizer.Encode(" big dog", addBeginOfSequence: false, continuesText: true);
        float[] logits = Logits.Batched(session, more);

        using Session other = Model.CreateSession(new SessionOptions { Metering = true });
        (await other.GenerateAsync(Prompt, Greedy with { MaxTokens = written }).TextAsync()).ShouldBe(text);
        Logits.ShouldBeBitIdentical(logits, Logits.Batched(other, more), "after what was held back");
        session.Position.ShouldBe(other.Position);
        session.ReadMetrics().Select(layer => layer.ToString()).ShouldBe(other.ReadMetrics().Select(layer => layer.ToString()));
    }

    [Fact]
    public async Task After_a_stop_string_the_sequence_ends_with_the_text_before_it()
    {
        using Session session = Model.CreateSession();
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 40 }).TextAsync();
        foreach (string stop in new[] { "ttle gi", "little", " little", "e", "there was a" })
        {
            foreach (int part in new[] { 1, 3, 40 })
            {
                session.Rewind(0);
                string text = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = part, StopStrings = [stop] }).TextAsync();
                for (int calls = 1; session.LastGeneration!.Reason != StopReason.StopString; calls++)
                {
                    calls.ShouldBeLessThan(60);
                    text += await session.GenerateAsync("", Greedy with { MaxTokens = part, StopStrings = [stop] }).TextAsync();
                }

                text.ShouldBe(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], $"'{stop}' by {part}");
                session.LastGeneration.HeldText.ShouldBeEmpty();
                Shown(session, text);
            }
        }
    }

    [Fact]
    public async Task The_repetition_window_spans_earlier_calls()
    {
        GenerationOptions options = Greedy with { RepetitionPenalty = 1.5, RepetitionWindow = 32, MaxTokens = 30 };
        using Session session = Model.CreateSession();
        string whole = await session.GenerateAsync(Prompt, options).TextAsync();
        whole.ShouldNotBe(await Model.GenerateAsync(Prompt, Greedy with { MaxTokens = 30 }).TextAsync());
        session.Rewind(0);
        string text = await session.GenerateAsync(Prompt, options with { MaxTokens = 10 }).TextAsync();
        text += await session.GenerateAsync("", options with { MaxTokens = 20 }).TextAsync();
        text.ShouldBe(whole);
    }

    [Fact]
    public async Task A_seed_goes_on_across_calls_and_begins_anew_with_a_prompt()
    {
        var options = new GenerationOptions { Temperature = 1.2, Seed = 42, MaxTokens = 30 };
        using Session session = Model.CreateSession();
        string whole = await session.GenerateAsync(Prompt, options).TextAsync();
        session.Rewind(0);
        string text = "";
        for (int i = 0; i < 30; i++)
        {
            text += await session.GenerateAsync(i == 0 ? Prompt : "", options with { MaxTokens = 1 }).TextAsync();
        }

        text.ShouldBe(whole);

        // Back to the middle: the same text again.
        session.Rewind(PromptTokens + 10);
        whole.ShouldEndWith(await session.GenerateAsync("", options with { MaxTokens = 20 }).TextAsync());
    }

    [Fact]
    public async Task An_empty_prompt_goes_on_after_tokens_of_ones_own_and_after_a_rewind()
    {
        using Session session = Model.CreateSession();
        string whole = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 20 }).TextAsync();
        int[] prompt = Model.Tokenizer.Encode(Prompt, addBeginOfSequence: true);
        session.Rewind(0);
        session.Forward(prompt);
        (await session.GenerateAsync("", Greedy with { MaxTokens = 20 }).TextAsync()).ShouldBe(whole);
        session.Rewind(prompt.Length + 8);
        string rest = await session.GenerateAsync("", Greedy with { MaxTokens = 12 }).TextAsync();
        whole.ShouldEndWith(rest);
        session.Rewind(prompt.Length);
        (await session.GenerateAsync("", Greedy with { MaxTokens = 20 }).TextAsync()).ShouldBe(whole);
    }

    [Fact]
    public async Task A_full_context_stays_full_and_a_prompt_that_does_not_fit_changes_nothing()
    {
        using Session session = Model.CreateSession(new SessionOptions { Context = 20 });
        string text = await session.GenerateAsync(Prompt, Greedy with { MaxTokens = 10 }).TextAsync();
        int position = session.Position;
        string longPrompt = string.Concat(Enumerable.Repeat(" there", 20));
        await Should.ThrowAsync<InvalidOperationException>(() => session.GenerateAsync(longPrompt, Greedy).TextAsync());
        session.Position.ShouldBe(position);
        text += await session.GenerateAsync("", Greedy with { MaxTokens = 400 }).TextAsync();
        session.LastGeneration!.Reason.ShouldBe(StopReason.ContextFull);
        session.Position.ShouldBe(20);
        Shown(session, text);
        (await session.GenerateAsync("", Greedy).TextAsync()).ShouldBeEmpty();
        session.LastGeneration.Reason.ShouldBe(StopReason.ContextFull);
        session.LastGeneration.GeneratedTokens.ShouldBe(0);
    }

    [Fact]
    public async Task Nothing_to_continue_from_is_refused_only_where_there_is_nothing()
    {
        using Session session = Model.CreateSession();
        session.Forward(Model.Tokenizer.Encode(Prompt, addBeginOfSequence: true));
        (await session.GenerateAsync("", Greedy).TextAsync()).ShouldNotBeEmpty();

        // At the start, the begin-of-sequence token is something.
        session.Rewind(0);
        (await session.GenerateAsync("", Greedy).TextAsync()).ShouldNotBeEmpty();
        session.Position.ShouldBe(6);
    }

    private void Shown(Session session, string text)
    {
        session.Tokens.Length.ShouldBe(session.Position);
        Model.Tokenizer.Decode(session.Tokens).ShouldBe(Prompt + text);
    }

    /// <summary>How many tokens the model writes until its text reaches a character.</summary>
    private int TokensTo(string whole, int character) =>
        Model.Tokenizer.Encode(whole[..character], addBeginOfSequence: false, continuesText: true).Length;
}
