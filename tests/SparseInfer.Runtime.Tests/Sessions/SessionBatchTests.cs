namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>What of a batch's call goes together, and what is left where a part of it fails.</summary>
public sealed class SessionBatchTests
{
    [Fact]
    public void Sessions_go_together_that_differ_neither_in_mode_nor_in_cache_and_are_neither_metered_nor_timed()
    {
        using TraceModel model = TraceDecoder.Load();
        Session[] sessions =
        [
            Make(model, SparsityMode.Dense),
            Make(model, SparsityMode.Exact),
            Make(model, SparsityMode.Dense),
            Make(model, SparsityMode.Exact, KeyValueType.F16),
            Make(model, SparsityMode.Exact, metering: true),
            Make(model, SparsityMode.Exact, timing: true),
            Make(model, SparsityMode.Exact),
            Make(model, SparsityMode.Dense, metering: true),
            Make(model, SparsityMode.Dense),
        ];
        using SessionBatch batch = model.CreateBatch();
        batch.Forward(sessions, [.. Enumerable.Range(3, sessions.Length)]);
        model.Program.Ran.ShouldBe(["0+2+8", "1+6", "3", "4", "5", "7"]);
        ShouldBeAlone(model, batch, sessions);

        // Settings may change between calls, and a session that has tokens to compute does so alone.
        model.Program.Ran.Clear();
        sessions[7].Metering = false;
        sessions[0].Mode = SparsityMode.Exact;
        batch.Forward([sessions[7], sessions[1], sessions[0], sessions[8]], [1, 2, 3, 4]);
        model.Program.Ran.ShouldBe(["7+8", "1+0"]);
    }

    [Fact]
    public void Without_kernels_for_it_and_where_one_session_is_all_there_is_sessions_run_one_after_the_other()
    {
        using TraceModel plain = TraceDecoder.Load(decodesTogether: false);
        Session[] sessions = [Make(plain, SparsityMode.Exact), Make(plain, SparsityMode.Exact)];
        using SessionBatch batch = plain.CreateBatch();
        batch.MaxSessions.ShouldBe(16);
        batch.Forward(sessions, [1, 2]);
        plain.Program.Ran.ShouldBe(["0", "1"]);
        ShouldBeAlone(plain, batch, sessions);

        using TraceModel model = TraceDecoder.Load();
        using SessionBatch single = model.CreateBatch(1);
        model.Program.Batches.ShouldBe(0);
        single.Forward([Make(model, SparsityMode.Exact)], [1]);
        using SessionBatch pair = model.CreateBatch(2);
        model.Program.Batches.ShouldBe(1);
        pair.Forward([Make(model, SparsityMode.Exact)], [1]);
        model.Program.Ran.ShouldBe(["0", "1"]);
    }

    [Theory]
    [InlineData("2", 1)]
    [InlineData("3:2", 1)]
    [InlineData("0+1", 1)]
    [InlineData("2", 2)]
    [InlineData("3+4", 1)]
    public void A_part_that_fails_leaves_every_session_what_it_was(string failing, int time)
    {
        Session[] expected = Prepared(TraceDecoder.Load());
        using TraceModel model = TraceDecoder.Load();
        Session[] sessions = Prepared(model);
        using SessionBatch batch = model.CreateBatch();
        model.Program.Ran.Clear();
        int times = 0;
        bool caughtUp = (failing, time) != ("2", 1);
        model.Program.Before = what =>
        {
            if (what == failing && ++times >= time)
            {
                throw new InvalidOperationException("the device's answer");
            }
        };
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Should.Throw<InvalidOperationException>(() => batch.Forward(sessions, [1, 2, 3, 4, 5])).Message.ShouldBe("the device's answer");
            Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(0));
            for (int i = 0; i < sessions.Length; i++)
            {
                sessions[i].Tokens.ToArray().ShouldBe(expected[i].Tokens.ToArray());
                Metered(sessions[i]).ShouldBe(Metered(expected[i]) + (i == 2 && caughtUp ? 1 : 0), "the last token of its generation is computed now, and counts");
            }
        }

        model.Program.Before = null;
        for (int i = 0; i < sessions.Length; i++)
        {
            // Held tokens too are where they were.
            sessions[i].Sequence.Held.ToArray().ShouldBe(expected[i].Sequence.Held.ToArray());
            sessions[i].Forward([9]).ToArray().ShouldBe(expected[i].Forward([9]).ToArray());
            Metered(sessions[i]).ShouldBe(Metered(expected[i]));
        }

        batch.Forward(sessions, [1, 2, 3, 4, 5]);
        ShouldBe(batch, expected, [1, 2, 3, 4, 5]);
    }

    [Fact]
    public void A_forward_alone_that_fails_keeps_what_was_held_as_well()
    {
        using TraceModel model = TraceDecoder.Load();
        Session session = Make(model, SparsityMode.Exact);
        session.Forward([1, 2, 3]);
        session.Sequence.Hold(4);
        session.Sequence.Hold(5);
        model.Program.Before = _ => throw new InvalidOperationException();
        Should.Throw<InvalidOperationException>(() => session.Forward([7]));
        session.Sequence.Held.ToArray().ShouldBe([4, 5]);
        session.Position.ShouldBe(3);
    }

    [Fact]
    public void A_session_disposed_of_during_a_call_ends_it_before_its_token_and_is_freed_then()
    {
        using TraceModel model = TraceDecoder.Load();
        Session[] sessions = [Make(model, SparsityMode.Exact), Make(model, SparsityMode.Exact), Make(model, SparsityMode.Dense)];
        using SessionBatch batch = model.CreateBatch();
        model.Program.Before = _ => sessions[2].Dispose();
        Should.Throw<ObjectDisposedException>(() => batch.Forward(sessions, [1, 2, 3])).Message.ShouldStartWith("sessions[2] was disposed");
        model.Program.Before = null;
        sessions[0].Position.ShouldBe(0);
        batch.Forward(sessions.AsSpan(0, 2), [1, 2]);
        Should.Throw<ObjectDisposedException>(() => sessions[2].Forward([1]));

        // One whose token is being computed gets it.
        model.Program.Before = _ => sessions[0].Dispose();
        batch.Forward(sessions.AsSpan(0, 2), [3, 4]);
        sessions[1].Position.ShouldBe(2);
        Should.Throw<ObjectDisposedException>(() => batch.Forward(sessions.AsSpan(0, 2), [3, 4])).Message.ShouldStartWith("sessions[0] was disposed");
    }

    [Fact]
    public void A_batch_disposed_of_during_a_call_ends_it_and_is_freed_when_that_leaves()
    {
        using TraceModel model = TraceDecoder.Load();
        Session[] sessions = [Make(model, SparsityMode.Exact), Make(model, SparsityMode.Exact), Make(model, SparsityMode.Dense)];
        SessionBatch batch = model.CreateBatch();
        model.Program.Before = _ =>
        {
            batch.Dispose();
            model.Program.Batches.ShouldBe(1, "it is in use");
            Should.Throw<ObjectDisposedException>(() => batch.Forward(sessions, [1, 2, 3]));
        };
        Should.Throw<ObjectDisposedException>(() => batch.Forward(sessions, [1, 2, 3])).ObjectName.ShouldContain(nameof(SessionBatch));
        model.Program.Batches.ShouldBe(0);
        sessions.ShouldAllBe(session => session.Position == 0);
        model.Program.Before = null;
        sessions[0].Forward([1]);
    }

    [Fact]
    public void A_call_on_a_batch_or_a_session_that_is_in_one_is_refused()
    {
        using TraceModel model = TraceDecoder.Load();
        Session[] sessions = [Make(model, SparsityMode.Exact), Make(model, SparsityMode.Exact)];
        using SessionBatch batch = model.CreateBatch();
        using SessionBatch other = model.CreateBatch();
        int calls = 0;
        model.Program.Before = _ =>
        {
            model.Program.Before = null;
            Should.Throw<InvalidOperationException>(() => batch.Forward([], [])).Message.ShouldContain("batch for each thread");
            Should.Throw<InvalidOperationException>(() => other.Forward([Make(model, SparsityMode.Exact), sessions[1]], [1, 1])).Message
                .ShouldStartWith("sessions[1] is busy");
            Should.Throw<InvalidOperationException>(() => sessions[0].Forward([1])).Message.ShouldContain("still running");
            calls++;
        };
        batch.Forward(sessions, [1, 2]);
        calls.ShouldBe(1);
        ShouldBeAlone(model, batch, sessions, [1, 2]);
    }

    [Fact]
    public void A_batch_that_cannot_be_made_keeps_no_weights()
    {
        TraceModel model = TraceDecoder.Load();
        model.Program.Making = () => throw new InsufficientMemoryException("no room");
        Should.Throw<InsufficientMemoryException>(() => model.CreateBatch());
        Should.Throw<ArgumentOutOfRangeException>(() => model.CreateBatch(0));
        model.Program.Making = null;
        SessionBatch batch = model.CreateBatch();
        model.Dispose();
        model.Program.Acquire().Dispose(); // the batch has them
        batch.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.Program.Acquire());
    }

    private static Session Make(
        TraceModel model, SparsityMode mode, KeyValueType type = KeyValueType.F32, bool metering = false, bool timing = false) =>
        model.CreateSession(new SessionOptions { Mode = mode, CacheType = type, Metering = metering, Timing = timing });

    /// <summary>Two groups and a metered session between them, of which some hold tokens, computed or not, or have tokens to compute.</summary>
    private static Session[] Prepared(TraceModel model)
    {
        Session[] sessions =
        [
            Make(model, SparsityMode.Exact),
            Make(model, SparsityMode.Exact),
            Make(model, SparsityMode.Exact, metering: true),
            Make(model, SparsityMode.Dense),
            Make(model, SparsityMode.Dense),
        ];
        foreach (Session session in sessions)
        {
            session.Forward([1, 2, 3]);
        }

        sessions[0].Sequence.Hold(4);
        sessions[0].Sequence.Hold(5);
        sessions[0].Sequence.ComputeNext(sessions[0].Step, []);
        sessions[2].Sequence.Hold(6);
        sessions[2].Sequence.HandOut(1);
        sessions[2].Sequence.Hold(7);
        sessions[2].Sequence.Hold(8);
        sessions[3].Sequence.Append([7, 8], decoded: false);
        return sessions;
    }

    private static long Metered(Session session) => session.ReadMetrics().Single().Tokens;

    /// <summary>As new sessions alone would be.</summary>
    private static void ShouldBeAlone(TraceModel model, SessionBatch batch, Session[] sessions, int[]? tokens = null)
    {
        Session[] alone = [.. sessions.Select(session => Make(model, session.Mode, session.CacheType))];
        ShouldBe(batch, alone, tokens ?? [.. sessions.Select(session => session.Tokens[0])]);
    }

    private static void ShouldBe(SessionBatch batch, Session[] alone, int[] tokens)
    {
        for (int i = 0; i < alone.Length; i++)
        {
            alone[i].Forward([tokens[i]]).ToArray().ShouldBe(batch.Logits(i).ToArray(), $"session {i}");
        }
    }
}
