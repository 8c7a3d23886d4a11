namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>How generations of a scheduler end, and what is left of those that end early.</summary>
public sealed class BatchSchedulerEndTests
{
    private static readonly string LongPrompt = new('t', 300);

    [Fact]
    public async Task A_call_more_than_there_may_be_fails_at_once_and_changes_nothing()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 1, MaxQueued = 1 });
        Session refused = harness.Session();
        SchedulerHarness.Hold held = harness.HoldAt(_ => true);
        Task<string> running = harness.Start(harness.Session(), "a", SchedulerHarness.Greedy(3));
        await held.Reached;
        Task<string> queued = await harness.QueueAsync(harness.Session(), "a", SchedulerHarness.Greedy(3));
        ValueTask<bool> more = harness.Scheduler.GenerateAsync(refused, "a", SchedulerHarness.Greedy(3)).GetAsyncEnumerator().MoveNextAsync();
        more.IsFaulted.ShouldBeTrue();
        string message = (await Should.ThrowAsync<SchedulerFullException>(more.AsTask)).Message;
        message.ShouldContain("2 generations");
        message.ShouldContain("MaxQueued = 1");
        refused.Position.ShouldBe(0);
        refused.Forward([0]);
        refused.Rewind(0);
        held.Release();
        await Task.WhenAll(running, queued);
        (await harness.Start(refused, "a", SchedulerHarness.Greedy(3))).ShouldBe(await running);
    }

    [Fact]
    public async Task What_is_queued_is_canceled_at_once_and_is_what_it_was()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 1 });
        Session session = harness.Session();
        await harness.Start(session, "abc", SchedulerHarness.Greedy(4));
        int[] tokens = session.Tokens.ToArray();
        SchedulerHarness.Hold held = harness.HoldAt(_ => true);
        Task<string> running = harness.Start(harness.Session(), "a", SchedulerHarness.Greedy(3));
        await held.Reached;
        using var cancel = new CancellationTokenSource();
        Task<string> queued = await harness.QueueAsync(session, "de", SchedulerHarness.Greedy(3), cancel.Token);
        await cancel.CancelAsync();

        // The loop is still held up.
        await Should.ThrowAsync<OperationCanceledException>(() => queued.WaitAsync(TimeSpan.FromSeconds(30)));
        harness.Scheduler.Queued.ShouldBe(0);
        session.Tokens.ToArray().ShouldBe(tokens);
        session.LastGeneration!.Reason.ShouldBe(StopReason.Canceled);
        (session.LastGeneration.PromptTokens, session.LastGeneration.GeneratedTokens).ShouldBe((0, 0));
        held.Release();
        await running;
        string text = await harness.Start(session, "de", SchedulerHarness.Greedy(3));
        (string[] alone, Session same) = await harness.AloneAsync(null, ("abc", SchedulerHarness.Greedy(4)), ("de", SchedulerHarness.Greedy(3)));
        text.ShouldBe(alone[1]);
        SchedulerHarness.ShouldBeSame(session, same);
    }

    [Fact]
    public async Task A_prompt_is_canceled_after_the_slice_that_is_being_read_and_an_empty_one_goes_on_with_it()
    {
        using var harness = new SchedulerHarness(new() { PromptSlice = 64 });
        Session session = harness.Session();
        using var cancel = new CancellationTokenSource();
        int slices = 0;
        SchedulerHarness.Hold held = harness.HoldAt(what => what == "0:64" && ++slices == 2);
        Task<string> running = harness.Start(session, LongPrompt, SchedulerHarness.Greedy(5), cancel.Token);
        await held.Reached;
        await cancel.CancelAsync();
        held.Release();
        await Should.ThrowAsync<OperationCanceledException>(() => running);
        harness.Ran.ShouldBe(["0:64", "0:64"]);
        session.Position.ShouldBe(301);
        session.LastGeneration!.PromptTokens.ShouldBe(128);
        string text = await harness.Start(session, "", SchedulerHarness.Greedy(5));
        session.LastGeneration.PromptTokens.ShouldBe(301 - 128);
        (string[] alone, Session same) = await harness.AloneAsync(null, (LongPrompt, SchedulerHarness.Greedy(5)));
        text.ShouldBe(alone[0]);
        session.Forward([5]).ToArray().ShouldBe(same.Forward([5]).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_reader_who_stops_has_not_read_never_was(bool cancels)
    {
        using var harness = new SchedulerHarness(new() { ReadAhead = 5 });
        Session session = harness.Session();
        using var cancel = new CancellationTokenSource();
        IAsyncEnumerator<string> reader = harness.Scheduler.GenerateAsync(session, "abc", SchedulerHarness.Greedy(40), cancel.Token).GetAsyncEnumerator();
        for (int i = 0; i < 3; i++)
        {
            (await reader.MoveNextAsync()).ShouldBeTrue();
        }

        await SchedulerHarness.ComesTrueAsync(() => harness.Scheduler.IsIdle);
        session.Sequence.Held.Length.ShouldBeGreaterThan(4);
        if (cancels)
        {
            await cancel.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => reader.MoveNextAsync().AsTask());
        }

        await reader.DisposeAsync();
        (harness.Scheduler.Running, harness.Scheduler.Queued).ShouldBe((0, 0));

        // Alone, the same reader stops after the same three pieces.
        (_, Session same) = await harness.AloneAsync(null);
        IAsyncEnumerator<string> other = same.GenerateAsync("abc", SchedulerHarness.Greedy(40)).GetAsyncEnumerator();
        for (int i = 0; i < 3; i++)
        {
            (await other.MoveNextAsync()).ShouldBeTrue();
        }

        await other.DisposeAsync();
        SchedulerHarness.ShouldBeSame(session, same);
    }

    [Fact]
    public async Task What_fails_fails_for_the_one_that_it_concerns_and_the_others_go_on()
    {
        using var harness = new SchedulerHarness(new() { PromptSlice = 64, ReadAhead = 100 });
        Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => harness.Session())];
        SchedulerHarness.Hold held = harness.HoldAt("0");
        List<Task<string>> texts = [harness.Start(sessions[0], "ab", SchedulerHarness.Greedy(30))];
        await held.Reached;
        for (int i = 1; i < sessions.Length; i++)
        {
            texts.Add(await harness.QueueAsync(sessions[i], i == 3 ? LongPrompt : "ab", SchedulerHarness.Greedy(20)));
        }

        // The third has no room for its sixth token, and the last one none for its prompt's third slice.
        int slices = 0;
        harness.Before = what =>
        {
            if ((what.Split('+').Contains("2") && sessions[2].Sequence.Count >= 3 + 6) || (what == "3:64" && ++slices == 3))
            {
                throw new InsufficientMemoryException($"no room for {what}");
            }
        };
        held.Release();
        (await Should.ThrowAsync<InsufficientMemoryException>(() => texts[2])).Message.ShouldBe("no room for 2");
        (await Should.ThrowAsync<InsufficientMemoryException>(() => texts[3])).Message.ShouldBe("no room for 3:64");
        foreach (int i in (int[])[0, 1])
        {
            (string[] alone, Session same) = await harness.AloneAsync(null, ("ab", SchedulerHarness.Greedy(i == 0 ? 30 : 20)));
            (await texts[i]).ShouldBe(alone[0]);
            SchedulerHarness.ShouldBeSame(sessions[i], same);
        }

        // Those that failed can be used on: nothing was lost but the call.
        harness.Before = null;
        sessions[2].LastGeneration.ShouldBeNull();
        sessions[3].Position.ShouldBe(301);
        for (int i = 2; i < 4; i++)
        {
            await GoOnAsync(sessions[i], i == 3 ? LongPrompt : "ab", 20);
            (_, Session same) = await harness.AloneAsync(null, (i == 3 ? LongPrompt : "ab", SchedulerHarness.Greedy(20)));
            sessions[i].Tokens.ToArray().ShouldBe(same.Tokens.ToArray());
            sessions[i].Forward([5]).ToArray().ShouldBe(same.Forward([5]).ToArray());
        }
    }

    [Fact]
    public async Task A_device_that_is_lost_fails_all()
    {
        using var harness = new SchedulerHarness(new() { ReadAhead = 100 });
        Session[] sessions = [.. Enumerable.Range(0, 3).Select(_ => harness.Session())];
        SchedulerHarness.Hold held = harness.HoldAt(_ => true);
        Task<string>[] texts = [.. sessions.Take(2).Select(session => harness.Start(session, "ab", SchedulerHarness.Greedy(30)))];
        await held.Reached;
        harness.Before = _ => throw new InvalidOperationException("the device is lost");
        held.Release();
        foreach (Task<string> text in texts)
        {
            (await Should.ThrowAsync<InvalidOperationException>(() => text)).Message.ShouldBe("the device is lost");
        }

        (harness.Scheduler.Running, harness.Scheduler.Queued).ShouldBe((0, 0));
        sessions.ShouldAllBe(session => session.LastGeneration == null);
        (await Should.ThrowAsync<InvalidOperationException>(() => harness.Start(sessions[2], "ab", SchedulerHarness.Greedy(30)))).Message
            .ShouldBe("the device is lost");
    }

    [Fact]
    public async Task A_session_disposed_of_ends_its_generation_running_or_queued_and_no_other()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 2, ReadAhead = 100 });
        Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => harness.Session())];
        SchedulerHarness.Hold first = harness.HoldAt("0:3");
        SchedulerHarness.Hold held = harness.HoldAt("0+1");
        List<Task<string>> texts = [harness.Start(sessions[0], "ab", SchedulerHarness.Greedy(30))];
        await first.Reached;
        for (int i = 1; i < sessions.Length; i++)
        {
            texts.Add(await harness.QueueAsync(sessions[i], "ab", SchedulerHarness.Greedy(30)));
        }

        first.Release();
        await held.Reached;
        harness.Scheduler.Queued.ShouldBe(2);
        sessions[1].Dispose();
        sessions[2].Dispose();
        held.Release();
        await Should.ThrowAsync<ObjectDisposedException>(() => texts[1]);
        await Should.ThrowAsync<ObjectDisposedException>(() => texts[2]);
        (string[] alone, _) = await harness.AloneAsync(null, ("ab", SchedulerHarness.Greedy(30)));
        (await texts[0]).ShouldBe(alone[0]);
        (await texts[3]).ShouldBe(alone[0]);
        harness.Ran.ShouldAllBe(ran => !ran.StartsWith("2"));
        await Should.ThrowAsync<ObjectDisposedException>(() => harness.Start(sessions[1], "ab", SchedulerHarness.Greedy(30)));
        harness.Scheduler.Queued.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposal_ends_what_runs_and_waits_for_the_step_and_sessions_live_on(bool synchronously)
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 2, ReadAhead = 100 });
        Session[] sessions = [.. Enumerable.Range(0, 3).Select(_ => harness.Session())];
        SchedulerHarness.Hold first = harness.HoldAt("0:3");
        SchedulerHarness.Hold held = harness.HoldAt("0+1");
        List<Task<string>> texts = [harness.Start(sessions[0], "ab", SchedulerHarness.Greedy(30))];
        await first.Reached;
        texts.Add(await harness.QueueAsync(sessions[1], "ab", SchedulerHarness.Greedy(30)));
        texts.Add(await harness.QueueAsync(sessions[2], "ab", SchedulerHarness.Greedy(30)));
        first.Release();
        await held.Reached;
        Task disposal = synchronously
            ? Task.Factory.StartNew(harness.Scheduler.Dispose, TaskCreationOptions.LongRunning)
            : harness.Scheduler.DisposeAsync().AsTask();

        // The one that waits need not wait for the step.
        ObjectDisposedException ended = await Should.ThrowAsync<ObjectDisposedException>(() => texts[2].WaitAsync(TimeSpan.FromSeconds(30)));
        ended.ObjectName.ShouldBe(nameof(BatchScheduler));
        ended.Message.ShouldContain("session can be used on");
        disposal.IsCompleted.ShouldBeFalse();
        harness.Model.Program.Batches.ShouldBe(1, "it is in use");
        held.Release();
        await disposal;
        harness.Model.Program.Batches.ShouldBe(0);
        await Should.ThrowAsync<ObjectDisposedException>(() => texts[0]);
        await Should.ThrowAsync<ObjectDisposedException>(() => texts[1]);
        await Should.ThrowAsync<ObjectDisposedException>(() => harness.Start(sessions[0], "ab", SchedulerHarness.Greedy(30)));
        await harness.Scheduler.DisposeAsync();
        harness.Scheduler.Dispose();
        foreach (Session session in sessions)
        {
            session.LastGeneration.ShouldBeNull();
            await GoOnAsync(session, "ab", 30);
            (_, Session same) = await harness.AloneAsync(null, ("ab", SchedulerHarness.Greedy(30)));
            session.Tokens.ToArray().ShouldBe(same.Tokens.ToArray());
            session.Forward([5]).ToArray().ShouldBe(same.Forward([5]).ToArray());
        }
    }

    [Fact]
    public void A_scheduler_that_cannot_be_made_keeps_no_weights_and_one_that_was_made_keeps_them()
    {
        TraceModel model = TraceDecoder.Load();
        model.Program.Making = () => throw new InsufficientMemoryException("no room");
        Should.Throw<InsufficientMemoryException>(() => model.CreateScheduler());
        model.Program.Making = null;
        BatchScheduler scheduler = model.CreateScheduler();
        model.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateScheduler());
        model.Program.Acquire().Dispose();
        scheduler.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.Program.Acquire());
    }

    [Fact]
    public async Task What_cannot_be_is_refused_and_takes_no_place()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 1, MaxQueued = 0 });
        using TraceModel other = TraceDecoder.Load();
        using Session foreign = other.CreateSession();
        Session session = harness.Session(new SessionOptions { Context = 20 });
        for (int i = 0; i < 3; i++)
        {
            (await Should.ThrowAsync<ArgumentException>(() => harness.Start(foreign, "a", SchedulerHarness.Greedy(1)))).Message.ShouldContain("another model");
            await Should.ThrowAsync<ArgumentNullException>(() => harness.Start(null!, "a", SchedulerHarness.Greedy(1)));
            await Should.ThrowAsync<ArgumentNullException>(() => harness.Start(session, null!, SchedulerHarness.Greedy(1)));
            (await Should.ThrowAsync<InvalidOperationException>(() => harness.Start(session, LongPrompt, SchedulerHarness.Greedy(1)))).Message.ShouldContain("301 tokens do not fit");
            await Should.ThrowAsync<ArgumentOutOfRangeException>(() => harness.Start(session, "a", SchedulerHarness.Greedy(0)));
        }

        session.TryEnter();
        (await Should.ThrowAsync<InvalidOperationException>(() => harness.Start(session, "a", SchedulerHarness.Greedy(1)))).Message.ShouldContain("still running");
        session.Leave();
        session.Position.ShouldBe(0);
        await harness.Start(session, "a", SchedulerHarness.Greedy(1));
        Should.Throw<ArgumentOutOfRangeException>(() => new SchedulerOptions { MaxSessions = 17 }).Message.ShouldContain("1 to 16");
        Should.Throw<ArgumentOutOfRangeException>(() => new SchedulerOptions { MaxSessions = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new SchedulerOptions { MaxQueued = -1 });
        Should.Throw<ArgumentOutOfRangeException>(() => new SchedulerOptions { PromptSlice = 0 }).Message.ShouldContain("at least 1");
        Should.Throw<ArgumentOutOfRangeException>(() => new SchedulerOptions { ReadAhead = 0 });
        new SchedulerOptions().PromptSliceOn(harness.Model.Device).ShouldBe(32);
        new SchedulerOptions { PromptSlice = 7 }.PromptSliceOn(harness.Model.Device).ShouldBe(7);
        new SchedulerOptions { MaxQueued = 3 }.ToString().ShouldBe("SchedulerOptions { MaxSessions = 16, MaxQueued = 3, PromptSlice = null, ReadAhead = 8, MeterEvery = null }");
    }

    /// <summary>Generates alone what a call that ended early has left of so many tokens.</summary>
    private static async Task GoOnAsync(Session session, string prompt, int tokens)
    {
        int written = session.Position == 0 ? 0 : session.Position - (prompt.Length + 1);
        if (written < tokens)
        {
            await SchedulerHarness.TextAsync(session.GenerateAsync(session.Position == 0 ? prompt : "", SchedulerHarness.Greedy(tokens - written)));
        }
    }
}
