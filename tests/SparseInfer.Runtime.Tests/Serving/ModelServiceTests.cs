using SparseInfer.Runtime.Tests.Sessions;
using SparseInfer.Serving;

namespace SparseInfer.Runtime.Tests.Serving;

/// <summary>
/// A service over <see cref="TraceDecoder"/>, whose logits tell how each token of the sequence was computed: an answer that goes on from a token that was decoded, where it would have been
/// a prompt's, is another answer.
/// </summary>
public sealed class ModelServiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 3)]
    [InlineData(4, 2)]
    [InlineData(16, 16)]
    public async Task An_answer_is_that_of_a_session_alone_whatever_was_asked_before_and_is_asked_beside(int running, int kept)
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        using TraceModel alone = TraceDecoder.Load(context: 80);
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = running, MaxQueued = 200, KeptSessions = kept, PromptSlice = 7 });
        var random = new Random(20261130 + running);
        List<string> texts = ["abcabcabcabcabcabc", "abcabcabcabcdefdefdef", "q"];
        for (int round = 0; round < 6; round++)
        {
            CompletionRequest[] requests = [.. Enumerable.Range(0, 12).Select(_ => Request(random, texts))];
            (CompletionRequest Request, string Text, bool IsWhole)[] answers =
                await Task.WhenAll(requests.Select(request => ReadAsync(service, request, random.Next(4) == 0 ? random.Next(1, 6) : int.MaxValue))).WaitAsync(Limit);
            foreach ((CompletionRequest request, string text, bool isWhole) in answers)
            {
                using Session session = alone.CreateSession(new SessionOptions { Mode = request.Mode!.Value });
                string expected = await SchedulerHarness.TextAsync(session.GenerateAsync(request.Prompt!, request.Options)) + session.LastGeneration!.HeldText;
                (isWhole ? expected : expected[..text.Length]).ShouldBe(text, request.ToString());
                texts.Add(request.Prompt + text);
            }
        }

        ServiceCounts counts = service.ReadCounts();
        (counts.Running, counts.Queued).ShouldBe((0, 0));
        counts.KeptSessions.ShouldBeLessThanOrEqualTo(kept);
        (counts.Answered + counts.Canceled).ShouldBe(72);
        (counts.CachedTokens > 0).ShouldBe(kept > 0);
        counts.CachedTokens.ShouldBeLessThan(counts.PromptTokens);
    }

    [Fact]
    public async Task A_prompt_that_goes_on_from_an_earlier_one_is_computed_from_there()
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        await using var service = new ModelService(model);
        ServedAnswer first = await AskAsync(service, Greedy("abcdefghij", 5));
        (first.Report.PromptTokens, first.Report.CachedTokens, first.Report.CompletionTokens, first.Report.Reason).ShouldBe((11, 0, 5, FinishReason.Length));
        model.Program.Ran.Clear();

        // What was decoded is computed again: in a prompt it has other bits.
        ServedAnswer next = await AskAsync(service, Greedy("abcdefghij" + first.Text + "kl", 1));
        next.Report.CachedTokens.ShouldBe(11);
        model.Program.Ran.ShouldBe([$"0:{next.Report.PromptTokens - 11}"]);

        // The same again: its last token is computed, for its logits.
        (await AskAsync(service, Greedy("abcdefghij" + first.Text + "kl", 1))).Report.CachedTokens.ShouldBe(next.Report.PromptTokens - 1);

        // Another conversation gets another session, so that this one stays.
        (await AskAsync(service, Greedy("tttttttttttttttttttt", 1))).Report.CachedTokens.ShouldBeLessThan(2);
        service.ReadCounts().KeptSessions.ShouldBe(2);
    }

    [Fact]
    public async Task The_queue_is_bounded_and_who_leaves_makes_room_at_once()
    {
        using var held = new HeldModel();
        await using var service = new ModelService(held.Model, new ModelServiceOptions { MaxRunning = 1, MaxQueued = 1 });
        using var cancelRunning = new CancellationTokenSource();
        using var cancelQueued = new CancellationTokenSource();
        Task<ServedAnswer> running = AskAsync(service, Greedy("abc", 30), cancelRunning.Token);
        await held.Reached;
        Task<ServedAnswer> queued = AskAsync(service, Greedy("abd", 3), cancelQueued.Token);
        await SchedulerHarness.ComesTrueAsync(() => service.ReadCounts() is { Running: 1, Queued: 1 });
        ServiceBusyException busy = await Should.ThrowAsync<ServiceBusyException>(AskAsync(service, Greedy("abe", 3)));
        busy.RetryAfter.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));

        await cancelQueued.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(queued);
        Task<ServedAnswer> other = AskAsync(service, Greedy("abf", 3));
        await SchedulerHarness.ComesTrueAsync(() => service.ReadCounts().Queued == 1);

        await cancelRunning.CancelAsync();
        held.Release();
        await Should.ThrowAsync<OperationCanceledException>(running);
        (await other.WaitAsync(Limit)).Report.CompletionTokens.ShouldBe(3);
        ServiceCounts counts = service.ReadCounts();
        (counts.Requests, counts.Refused, counts.Canceled, counts.Answered, counts.Failed).ShouldBe((3, 1, 2, 1, 0));
    }

    [Fact]
    public async Task Who_waits_too_long_is_told_when_to_come_again()
    {
        using var held = new HeldModel();
        await using var service = new ModelService(held.Model, new ModelServiceOptions { MaxRunning = 1, QueueTimeLimit = TimeSpan.FromMilliseconds(20) });
        Task<ServedAnswer> running = AskAsync(service, Greedy("abc", 3));
        await held.Reached;
        (await Should.ThrowAsync<ServiceBusyException>(AskAsync(service, Greedy("abc", 3)))).Message.ShouldContain("QueueTimeLimit");
        held.Release();
        (await running.WaitAsync(Limit)).Report.CompletionTokens.ShouldBe(3);
    }

    [Fact]
    public async Task An_answer_whose_time_is_over_keeps_what_it_has()
    {
        using var held = new HeldModel(where: "0");
        await using var service = new ModelService(held.Model, new ModelServiceOptions { TimeLimit = TimeSpan.FromMilliseconds(200) });
        Task<ServedAnswer> answer = AskAsync(service, Greedy("abc", 30) with { TimeLimit = TimeSpan.FromHours(1) });
        await held.Reached;
        await Task.Delay(250);
        held.Release();
        ServedAnswer given = await answer.WaitAsync(Limit);
        given.Report.Reason.ShouldBe(FinishReason.TimeLimit);
        given.Report.CompletionTokens.ShouldBeInRange(0, 29);
    }

    [Fact]
    public async Task Stopping_lets_what_was_taken_end_until_it_takes_too_long()
    {
        using var held = new HeldModel();
        await using var service = new ModelService(held.Model, new ModelServiceOptions { MaxRunning = 1 });
        Task<ServedAnswer> running = AskAsync(service, Greedy("abc", 3));
        await held.Reached;
        Task<ServedAnswer> queued = AskAsync(service, Greedy("abd", 3));
        await SchedulerHarness.ComesTrueAsync(() => service.ReadCounts().Queued == 1);
        Task stopped = service.StopAsync();
        await Should.ThrowAsync<ServiceStoppedException>(AskAsync(service, Greedy("abc", 3)));
        stopped.IsCompleted.ShouldBeFalse();
        held.Release();
        await stopped.WaitAsync(Limit);
        (await running).Report.CompletionTokens.ShouldBe(3);
        (await queued).Report.CompletionTokens.ShouldBe(3);
    }

    [Fact]
    public async Task A_request_that_has_its_places_is_refused_nothing()
    {
        using TraceModel model = TraceDecoder.Load(context: 80);
        await using var service = new ModelService(model, new ModelServiceOptions { MaxRunning = 1, MaxQueued = 2 });
        using ServicePlaces one = service.TakePlaces(answers: 1, atATime: 4);
        ServicePlaces several = service.TakePlaces(answers: 3, atATime: 4);
        (one.AtATime, several.AtATime).ShouldBe((1, 2));
        Should.Throw<ServiceBusyException>(() => service.TakePlaces(1, 4));
        await NextAsync();

        // Between its answers nobody takes its places, and the end waits for them.
        Should.Throw<ServiceBusyException>(() => service.TakePlaces(1, 4));
        await NextAsync();
        Task<ServedAnswer> other = AskAsync(service, Greedy("abd", 3));
        (await other.WaitAsync(Limit)).Report.CompletionTokens.ShouldBe(3);
        one.Dispose();
        Task stopped = service.StopAsync();
        Should.Throw<ServiceStoppedException>(() => service.TakePlaces(1, 4));
        stopped.IsCompleted.ShouldBeFalse();
        await NextAsync();
        await stopped.WaitAsync(Limit);
        several.Dispose();
        ServiceCounts counts = service.ReadCounts();
        (counts.Running, counts.Queued, counts.Requests, counts.Answered, counts.Refused).ShouldBe((0, 0, 4, 4, 2));

        async Task NextAsync() =>
            (await ServedAnswer.OfAsync(service.AnswerAsync(Greedy("abc", 3), several, TestContext.Current.CancellationToken)).WaitAsync(Limit)).Report.CompletionTokens.ShouldBe(3);
    }

    [Fact]
    public async Task Stopping_ends_what_takes_too_long()
    {
        using var held = new HeldModel();
        await using var service = new ModelService(held.Model, new ModelServiceOptions { MaxRunning = 1 });
        Task<ServedAnswer>[] answers = [AskAsync(service, Greedy("abc", 3)), AskAsync(service, Greedy("abd", 3))];
        await held.Reached;
        using var patience = new CancellationTokenSource();
        Task stopped = service.StopAsync(patience.Token);
        await patience.CancelAsync();
        held.Release();
        await stopped.WaitAsync(Limit);
        foreach (Task<ServedAnswer> answer in answers)
        {
            await Should.ThrowAsync<ServiceStoppedException>(answer);
        }

        service.ReadCounts().Failed.ShouldBe(2);
    }

    [Fact]
    public async Task A_failure_ends_its_request_and_no_other()
    {
        using TraceModel model = TraceDecoder.Load();

        // None is kept: where the first answer is the faster one, the second would not compute its eight tokens.
        await using var service = new ModelService(model, new ModelServiceOptions { KeptSessions = 0 });
        model.Program.Before = what => _ = what.EndsWith(":8", StringComparison.Ordinal) ? throw new InsufficientMemoryException("Full.") : 0;
        Task<ServedAnswer> well = AskAsync(service, Greedy("abc", 20));
        (await Should.ThrowAsync<InsufficientMemoryException>(AskAsync(service, Greedy("abcdefg", 20)))).Message.ShouldBe("Full.");
        (await well.WaitAsync(Limit)).Report.CompletionTokens.ShouldBe(20);
        (await AskAsync(service, Greedy("abcd", 2))).Report.CompletionTokens.ShouldBe(2);
        service.ReadCounts().Failed.ShouldBe(1);
    }

    [Fact]
    public async Task Log_probabilities_are_those_of_the_logits_and_change_no_answer()
    {
        using TraceModel model = TraceDecoder.Load(context: 200);
        await using var service = new ModelService(model);
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 3000, MinP = 0, TopP = 1, TopK = 0, Seed = 5, IgnoreEndOfSequence = true, RepetitionPenalty = 1.2 };
        ServedAnswer plain = await AskAsync(service, new CompletionRequest("abc") { Options = options });
        plain.Tokens.ShouldBeEmpty();
        ServedAnswer scored = await AskAsync(service, new CompletionRequest("abc") { Options = options, LogProbs = 3 });
        scored.Text.ShouldBe(plain.Text);
        scored.Tokens.Count.ShouldBe(40);
        System.Text.Encoding.UTF8.GetString([.. scored.Tokens.SelectMany(token => token.Chosen.Bytes.ToArray())]).ShouldBe(scored.Text);

        using Session session = model.CreateSession();
        float[] logits = session.Forward([0, 2, 3, 4]).ToArray();
        foreach (TokenLogProb token in scored.Tokens)
        {
            double total = Math.Log(logits.Sum(logit => Math.Exp(logit - logits.Max()))) + logits.Max();
            token.Chosen.LogProb.ShouldBe(logits[token.Chosen.Token] - total, 1e-9);
            int[] best = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).Take(3)];
            token.Top.Select(top => top.Token).ShouldBe(best);
            token.Top[1].LogProb.ShouldBe(logits[best[1]] - total, 1e-9);
            logits = session.Forward([token.Chosen.Token]).ToArray();
        }
    }

    [Fact]
    public async Task A_stop_string_is_told_and_not_shown()
    {
        using TraceModel model = TraceDecoder.Load(context: 200);
        await using var service = new ModelService(model);
        string text = (await AskAsync(service, Greedy("abc", 40))).Text;
        string stop = text[10..13];
        int at = text.IndexOf(stop, StringComparison.Ordinal);
        CompletionRequest request = Greedy("abc", 40);
        ServedAnswer stopped = await AskAsync(service, request with { LogProbs = 0, Options = request.Options with { StopStrings = ["zz", stop] } });
        (stopped.Text, stopped.Report.Reason, stopped.Report.StopString).ShouldBe((text[..at], FinishReason.Stop, stop));
        System.Text.Encoding.UTF8.GetString([.. stopped.Tokens.SelectMany(token => token.Chosen.Bytes.ToArray())]).ShouldBe(stopped.Text);

        // What is held back because it may begin a stop string is text at the end.
        ServedAnswer cut = await AskAsync(service, request with { Options = request.Options with { MaxTokens = 12, StopStrings = [text[10..30]] } });
        (await AskAsync(service, Greedy("abc", 12))).Text.ShouldBe(cut.Text);
        cut.Report.Reason.ShouldBe(FinishReason.Length);
    }

    [Fact]
    public async Task Wrong_requests_are_refused_before_the_first_piece()
    {
        using TraceModel model = TraceDecoder.Load(context: 20);
        await using var service = new ModelService(model, new ModelServiceOptions { Context = 10 });
        PromptTooLongException tooLong = await Should.ThrowAsync<PromptTooLongException>(AskAsync(service, Greedy("abcdefghi", 3)));
        (tooLong.PromptTokens, tooLong.Context).ShouldBe((10, 10));
        (await AskAsync(service, Greedy("abcdefgh", 3))).Report.CompletionTokens.ShouldBe(1);
        await Should.ThrowAsync<ArgumentException>(AskAsync(service, new CompletionRequest([])));
        await Should.ThrowAsync<ArgumentException>(AskAsync(service, new CompletionRequest([3, 24])));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(AskAsync(service, Greedy("a", 3) with { LogProbs = 101 }));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(AskAsync(service, Greedy("a", 0)));
        await Should.ThrowAsync<NotSupportedException>(ServedAnswer.OfAsync(service.ChatAsync(new ChatRequest([new("user", "a")]))));
        Should.Throw<ArgumentOutOfRangeException>(() => new ModelService(model, new ModelServiceOptions { Context = 21 })).Message.ShouldContain("Context");
        Should.Throw<ArgumentOutOfRangeException>(() => new ModelServiceOptions { TimeLimit = TimeSpan.FromDays(50) }).Message.ShouldContain("49 days at most");
        ServiceCounts counts = service.ReadCounts();
        (counts.Running, counts.Invalid, counts.Failed).ShouldBe((0, 4, 0));
    }

    [Fact]
    public async Task A_conversation_goes_through_the_template_and_calls_are_found()
    {
        using TraceModel model = TraceDecoder.Load(context: 60);
        ChatTemplate template = ChatTemplate.Parse(
            "{% if messages[0].role != 'user' %}{{ raise_exception('Say something first.') }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}{{ tools[0].function.name if tools }}");
        await using var service = new ModelService(model, new ModelServiceOptions { ChatTemplate = template, ToolCallFormat = ToolCallFormat.Tags });
        var request = new ChatRequest([new("user", "abc")]) { Options = Greedy("", 5).Options };
        ServedAnswer answer = await ServedAnswer.OfAsync(service.ChatAsync(request));
        answer.Text.ShouldBe((await AskAsync(service, Greedy("abc", 5))).Text);
        (await Should.ThrowAsync<ChatRefusedException>(ServedAnswer.OfAsync(service.ChatAsync(new ChatRequest([new("tool", "a")]))))).Message.ShouldBe("Say something first.");
        service.Encode(request with { Tools = [new ChatTool("de", null, "{}")] }).ShouldBe(service.Encode(new CompletionRequest("abcde")));
    }

    private static CompletionRequest Greedy(string prompt, int tokens) => new(prompt) { Options = SchedulerHarness.Greedy(tokens) };

    private static CompletionRequest Request(Random random, List<string> texts)
    {
        string text = texts[random.Next(texts.Count)];
        text = text[..random.Next(1, Math.Min(text.Length, 50) + 1)] + new string((char)('a' + random.Next(20)), random.Next(4));
        return new CompletionRequest(text)
        {
            Mode = (SparsityMode)random.Next(3),
            Options = new GenerationOptions
            {
                MaxTokens = random.Next(1, 20),
                Temperature = random.Next(2) * 2000,
                MinP = 0,
                Seed = (ulong)random.Next(),
                RepetitionPenalty = 1 + (random.Next(2) * 0.3),
                StopStrings = random.Next(2) == 0 ? [] : ["ab", "c"],
            },
        };
    }

    /// <param name="pieces">After so many its reader leaves.</param>
    private static async Task<(CompletionRequest Request, string Text, bool IsWhole)> ReadAsync(ModelService service, CompletionRequest request, int pieces)
    {
        string text = "";
        await foreach (ServicePiece piece in service.CompleteAsync(request))
        {
            text += piece.Text;
            if (piece.Report is not null)
            {
                return (request, text, true);
            }

            if (--pieces == 0)
            {
                break;
            }
        }

        return (request, text, false);
    }

    private static Task<ServedAnswer> AskAsync(ModelService service, CompletionRequest request, CancellationToken cancellationToken = default) =>
        ServedAnswer.OfAsync(service.CompleteAsync(request, cancellationToken));

    /// <summary>A model whose first run, or another, waits.</summary>
    private sealed class HeldModel : IDisposable
    {
        private readonly ManualResetEventSlim _open = new();
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HeldModel(string? where = null)
        {
            Model = TraceDecoder.Load(context: 80);
            Model.Program.Before = what =>
            {
                if (where is null || what == where)
                {
                    _reached.TrySetResult();
                    _open.Wait(Limit).ShouldBeTrue();
                }
            };
        }

        public TraceModel Model { get; }

        public Task Reached => _reached.Task.WaitAsync(Limit);

        public void Release() => _open.Set();

        public void Dispose()
        {
            _open.Set();
            Model.Dispose();
            _open.Dispose();
        }
    }
}
