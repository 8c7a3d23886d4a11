using System.Text.RegularExpressions;

namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>Whose turn it is in a scheduler: what runs, step by step.</summary>
public sealed class BatchSchedulerTurnTests
{
    private static readonly string LongPrompt = new([.. Enumerable.Range(0, 400).Select(i => (char)('a' + (i * 7 % 20)))]);

    [Fact]
    public async Task A_running_generation_waits_for_one_slice_at_most_while_a_long_prompt_is_read()
    {
        using var harness = new SchedulerHarness(new() { PromptSlice = 64, ReadAhead = 100 });
        Session[] sessions = [harness.Session(), harness.Session()];
        SchedulerHarness.Hold held = harness.HoldAt("0");
        Task<string> running = harness.Start(sessions[0], "abc", SchedulerHarness.Greedy(30));
        await held.Reached;
        Task<string> arriving = await harness.QueueAsync(sessions[1], LongPrompt, SchedulerHarness.Greedy(10));
        held.Release();
        string[] texts = await Task.WhenAll(running, arriving);

        // 401 tokens, the first that begins the sequence included.
        string[] slices = ["1:64", "1:64", "1:64", "1:64", "1:64", "1:64", "1:17"];
        harness.Ran.Take(16).ShouldBe(["0:4", "0", .. slices.SelectMany(slice => new[] { "0", slice })]);
        harness.Ran.Skip(16).Take(9).ShouldAllBe(what => what == "0+1");
        for (int i = 0; i < 2; i++)
        {
            (string[] alone, Session session) = await harness.AloneAsync(null, (i == 0 ? "abc" : LongPrompt, SchedulerHarness.Greedy(i == 0 ? 30 : 10)));
            texts[i].ShouldBe(alone[0]);
            SchedulerHarness.ShouldBeSame(sessions[i], session);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(int.MaxValue)]
    public async Task A_prompt_in_slices_is_the_prompt(int slice)
    {
        using var harness = new SchedulerHarness(new() { PromptSlice = slice });
        Session session = harness.Session();
        string text = await harness.Start(session, LongPrompt, SchedulerHarness.Greedy(3));
        harness.Ran.Count(what => what.StartsWith("0:", StringComparison.Ordinal)).ShouldBe((int)((400L + slice) / slice));
        (string[] alone, Session same) = await harness.AloneAsync(null, (LongPrompt, SchedulerHarness.Greedy(3)));
        text.ShouldBe(alone[0]);
        SchedulerHarness.ShouldBeSame(session, same);
    }

    [Fact]
    public async Task Prompts_take_turns_so_that_a_short_one_does_not_wait_for_a_long_one()
    {
        using var harness = new SchedulerHarness(new() { PromptSlice = 50 });
        Session[] sessions = [harness.Session(), harness.Session(), harness.Session()];
        SchedulerHarness.Hold held = harness.HoldAt("0:50");
        List<Task<string>> texts = [harness.Start(sessions[0], LongPrompt, SchedulerHarness.Greedy(2))];
        await held.Reached;
        texts.Add(await harness.QueueAsync(sessions[1], LongPrompt, SchedulerHarness.Greedy(2)));
        texts.Add(await harness.QueueAsync(sessions[2], LongPrompt[..60], SchedulerHarness.Greedy(2)));
        held.Release();
        await Task.WhenAll(texts);
        harness.Ran.Take(9).ShouldBe(["0:50", "0:50", "1:50", "2:50", "0:50", "1:50", "2:11", "2", "0:50"]);
    }

    [Fact]
    public async Task Calls_begin_in_the_order_in_which_they_came_and_no_more_run_than_may()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 2 });
        Session[] sessions = [.. Enumerable.Range(0, 6).Select(_ => harness.Session())];
        SchedulerHarness.Hold held = harness.HoldAt("0:3");
        List<Task<string>> texts = [harness.Start(sessions[0], "ab", SchedulerHarness.Greedy(6))];
        await held.Reached;
        for (int i = 1; i < sessions.Length; i++)
        {
            texts.Add(await harness.QueueAsync(sessions[i], "ab", SchedulerHarness.Greedy(3 + i)));
        }

        (harness.Scheduler.Running, harness.Scheduler.Queued).ShouldBe((1, 5));
        held.Release();
        await Task.WhenAll(texts);
        (harness.Scheduler.Running, harness.Scheduler.Queued).ShouldBe((0, 0));
        int[] begun = [.. harness.Ran.Where(what => what.EndsWith(":3", StringComparison.Ordinal)).Select(what => what[0] - '0')];
        begun.ShouldBe([0, 1, 2, 3, 4, 5]);
        harness.Ran.ShouldContain("0+1");
        for (int i = 2; i < sessions.Length; i++)
        {
            // One that begins takes the place of one that has ended: all others before it, but one.
            int at = harness.Ran.IndexOf($"{i}:3");
            Enumerable.Range(0, i).Count(earlier => harness.Ran.Skip(at).Any(what => Names(what).Contains(earlier))).ShouldBeLessThan(2);
        }
    }

    [Fact]
    public async Task Readers_who_are_behind_hold_up_nobody_and_go_on_where_they_were()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 2, ReadAhead = 3, MaxQueued = 2 });
        Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => harness.Session())];
        IAsyncEnumerator<string>[] slow =
        [
            .. sessions.Take(2).Select(session => harness.Scheduler.GenerateAsync(session, "abc", SchedulerHarness.Greedy(40)).GetAsyncEnumerator()),
        ];
        string[] texts = ["", "", "", ""];
        int[] positions = new int[2];
        for (int i = 0; i < 2; i++)
        {
            (await slow[i].MoveNextAsync()).ShouldBeTrue();
            texts[i] += slow[i].Current;
            positions[i] = sessions[i].Position;
        }

        texts[2] = await harness.Start(sessions[2], "abc", SchedulerHarness.Greedy(40));
        texts[3] = await harness.Start(sessions[3], "abc", SchedulerHarness.Greedy(40));
        await SchedulerHarness.ComesTrueAsync(() => harness.Scheduler.IsIdle);
        for (int i = 0; i < 2; i++)
        {
            // What was handed out, and no more, is in the sequence; what waits is not more than it may be. A piece is a token or, for an é, two.
            sessions[i].Position.ShouldBe(positions[i]);
            sessions[i].Sequence.Held.Length.ShouldBeInRange(3, 6);
        }

        for (int i = 0; i < 2; i++)
        {
            while (await slow[i].MoveNextAsync())
            {
                texts[i] += slow[i].Current;
            }
        }

        (string[] alone, _) = await harness.AloneAsync(null, ("abc", SchedulerHarness.Greedy(40)));
        texts.ShouldAllBe(text => text == alone[0]);
    }

    [Fact]
    public async Task Generations_take_turns_where_more_can_go_on_than_a_step_takes()
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = 2, ReadAhead = 16 });
        List<IAsyncEnumerator<string>> readers = [];
        for (int i = 0; i < 5; i++)
        {
            // Each gets ahead of its reader, and waits for it, so that the next one begins.
            IAsyncEnumerator<string> reader = harness.Scheduler.GenerateAsync(harness.Session(), "t", SchedulerHarness.Greedy(60)).GetAsyncEnumerator();
            (await reader.MoveNextAsync()).ShouldBeTrue();
            await SchedulerHarness.ComesTrueAsync(() => harness.Scheduler.IsIdle);
            readers.Add(reader);
        }

        // During a step for the first, all make room for three pieces.
        harness.Ran.Clear();
        SchedulerHarness.Hold held = harness.HoldAt(_ => true);
        foreach (IAsyncEnumerator<string> reader in readers)
        {
            for (int i = 0; i < 3; i++)
            {
                ValueTask<bool> next = reader.MoveNextAsync();
                next.IsCompletedSuccessfully.ShouldBeTrue();
                (await next).ShouldBeTrue();
            }

            await held.Reached;
        }

        held.Release();
        await SchedulerHarness.ComesTrueAsync(() => harness.Scheduler.IsIdle);
        harness.Ran[0].ShouldBe("0");
        harness.Ran.Skip(1).Take(5).ShouldBe(["1+2", "3+4", "0+1", "2+3", "4+0"]);
        foreach (IAsyncEnumerator<string> reader in readers)
        {
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task Sessions_that_differ_go_in_groups_and_metered_ones_alone_and_never_ahead_of_their_readers()
    {
        SessionOptions[] kinds =
        [
            new() { Mode = SparsityMode.Exact },
            new() { Mode = SparsityMode.Dense },
            new() { Mode = SparsityMode.Exact, CacheType = KeyValueType.F16 },
            new() { Mode = SparsityMode.Exact, Metering = true },
            new() { Mode = SparsityMode.Exact, Timing = true },
            new() { Mode = SparsityMode.Exact, SparsePrompt = true },
            new() { Mode = SparsityMode.Dense },
        ];
        using var harness = new SchedulerHarness(new() { ReadAhead = 100 });
        Session[] sessions = [.. kinds.Select(harness.Session)];
        SchedulerHarness.Hold held = harness.HoldAt("0");
        List<Task<string>> texts = [harness.Start(sessions[0], "abc", SchedulerHarness.Greedy(40))];
        await held.Reached;
        for (int i = 1; i < kinds.Length; i++)
        {
            texts.Add(await harness.QueueAsync(sessions[i], "abc", SchedulerHarness.Greedy(20)));
        }

        held.Release();
        string[] got = await Task.WhenAll(texts);
        harness.Ran.SelectMany(what => what.Contains('+') ? [Names(what).Order().Select(name => $"{name}")] : Array.Empty<IEnumerable<string>>())
            .Select(names => string.Concat(names)).Distinct().Order().ShouldBe(["05", "16"]);
        for (int i = 0; i < kinds.Length; i++)
        {
            (string[] alone, Session session) = await harness.AloneAsync(kinds[i], ("abc", SchedulerHarness.Greedy(i == 0 ? 40 : 20)));
            got[i].ShouldBe(alone[0]);
            SchedulerHarness.ShouldBeSame(sessions[i], session);
        }

        // A metered generation whose reader is away.
        Session metered = harness.Session(kinds[3]);
        await using IAsyncEnumerator<string> reader = harness.Scheduler.GenerateAsync(metered, "abc", SchedulerHarness.Greedy(20)).GetAsyncEnumerator();
        (await reader.MoveNextAsync()).ShouldBeTrue();
        await SchedulerHarness.ComesTrueAsync(() => harness.Scheduler.IsIdle);
        metered.Sequence.Held.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData(false, 16)]
    [InlineData(true, 1)]
    public async Task Without_kernels_for_it_and_one_at_a_time_texts_are_the_same(bool decodesTogether, int maxSessions)
    {
        using var harness = new SchedulerHarness(new() { MaxSessions = maxSessions }, decodesTogether);
        Session[] sessions = [.. Enumerable.Range(0, 3).Select(_ => harness.Session())];
        string[] texts = await Task.WhenAll(sessions.Select(session => harness.Start(session, "ab", SchedulerHarness.Greedy(9))));
        (string[] alone, _) = await harness.AloneAsync(null, ("ab", SchedulerHarness.Greedy(9)));
        texts.ShouldAllBe(text => text == alone[0]);
        harness.Ran.ShouldAllBe(what => !what.Contains('+'));
    }

    private static int[] Names(string what) => [.. Regex.Matches(what.Split(':')[0], "[0-9]+").Select(match => int.Parse(match.Value))];
}
