using System.Runtime.CompilerServices;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Sessions decoded together on a device: what they are sent, what they are left, and what a failure leaves of them.</summary>
public sealed class SessionBatchTests
{
    private const int Page = KeyValueCache.PagePositions;

    [Theory]
    [MemberData(nameof(TestDevice.Names), MemberType = typeof(TestDevice))]
    public void Sessions_of_any_length_have_the_bits_they_have_alone_across_pages_too(string name)
    {
        using IlgpuDevice device = TestDevice.Open(name);
        using RecallModel model = RecallDecoder.Load(device);
        var random = new Random(20261128);
        (Session Together, Session Alone)[] pairs =
        [
            .. new[] { 0, Page - 2, 3, Page - 1, 70, Page, 1, 5 }.Select((length, i) =>
            {
                var options = new SessionOptions { Context = length + 40, CacheType = i % 4 == 3 ? KeyValueType.F32 : null };
                return (Make(model, options, length), Make(model, options, length));
            }),
        ];
        using SessionBatch batch = model.CreateBatch(6);
        for (int step = 0; step < 12; step++)
        {
            (Session Together, Session Alone)[] joined = [.. pairs];
            random.Shuffle(joined);
            joined = joined[..random.Next(2, 7)];
            int[] tokens = [.. joined.Select(_ => random.Next(RecallDecoder.Vocabulary))];
            batch.Forward([.. joined.Select(pair => pair.Together)], tokens);
            for (int i = 0; i < joined.Length; i++)
            {
                (Session together, Session alone) = joined[i];
                float[] expected = alone.Forward([tokens[i]]).ToArray();
                batch.Logits(i).ToArray().ShouldBe(expected, $"step {step}, session {i}");
                together.State.LastLogits.ToArray().ShouldBe(expected);
                together.State.Position.ShouldBe(alone.State.Position);
                together.State.TryGreedy(RecallDecoder.Vocabulary, out int greedy).ShouldBeTrue();
                alone.State.TryGreedy(RecallDecoder.Vocabulary, out int expectedGreedy).ShouldBeTrue();
                greedy.ShouldBe(expectedGreedy);
                together.State.TryGreedy(greedy, out _).ShouldBeFalse("it is no token of a smaller vocabulary");
            }
        }

        model.Program.Runs.Count.ShouldBeGreaterThan(10);
        foreach ((Session together, Session alone) in pairs)
        {
            together.Forward([2]).ToArray().ShouldBe(alone.Forward([2]).ToArray());
            together.State.TryGreedy(RecallDecoder.Vocabulary, out int greedy);
            alone.State.TryGreedy(RecallDecoder.Vocabulary, out int expected);
            greedy.ShouldBe(expected, "the batch's is forgotten");
        }
    }

    [Fact]
    public void A_run_is_sent_tokens_and_positions_and_zeros_behind_them()
    {
        using RecallModel model = RecallDecoder.Load(TestDevice.Shared);
        Session[] sessions = [.. new[] { 4, 0, 9 }.Select(length => Make(model, new SessionOptions { Context = 32 }, length))];
        using SessionBatch batch = model.CreateBatch();
        var seen = new List<int[]>();
        model.Program.InRun = (tokens, positions) => seen.AddRange(tokens, positions);
        batch.Forward(sessions, [11, 12, 13]);
        batch.Forward([sessions[2], sessions[0]], [14, 15]);
        batch.Forward([sessions[1]], [16]); // alone
        seen.ShouldBe([Padded(11, 12, 13), Padded(4, 0, 9), Padded(14, 15), Padded(10, 5)]);
        model.Program.Runs.ShouldBe([3, 2]);

        static int[] Padded(params int[] values) => [.. values, .. new int[16 - values.Length]];
    }

    [Fact]
    public void Where_memory_ends_at_whatever_allocation_every_session_is_as_it_was()
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        using RecallModel model = RecallDecoder.Load(device);
        int[] lengths = [Page, 3, Page];
        Session[] undisturbed = Sessions();
        float[][] expected = [.. undisturbed.Select(session => session.Forward([5]).ToArray())];
        Array.ForEach(undisturbed, session => session.Dispose());
        var without = new HashSet<string>();
        bool fits = false;

        // A layer's new page is some 19 KB; each that has grown then takes 2.5 KB more than before.
        for (int room = 1; !fits; room = Math.Max(17_000, room + 1_500))
        {
            Session[] sessions = Sessions();
            using SessionBatch batch = model.CreateBatch();
            long before = driver.AllocatedBytes;
            driver.Faults.MemoryLimit = before + room;
            try
            {
                batch.Forward(sessions, [5, 5, 5]);
                fits = true;
            }
            catch (InsufficientDeviceMemoryException failure)
            {
                failure.Message.ShouldStartWith("Of 3 sessions that are decoded together, the ");
                failure.Message.ShouldContain($"at position {Page}");
                failure.Message.ShouldContain("has no room for one more token");
                failure.Message.ShouldContain("All sessions are as they were");
                sessions.Select(session => session.Position).ShouldBe(lengths);
                sessions.Select(session => session.State.Position).ShouldBe(lengths);
                without.Add(failure.Message[..failure.Message.IndexOf("has no room", StringComparison.Ordinal)] + driver.AllocatedBytes);

                // The short one needs no room.
                sessions[1].Forward([5]).ToArray().ShouldBe(expected[1]);
                sessions[1].Rewind(3);
                driver.Faults.MemoryLimit = null;
                batch.Forward(sessions, [5, 5, 5]);
            }

            driver.Faults.MemoryLimit = null;
            for (int i = 0; i < sessions.Length; i++)
            {
                batch.Logits(i).ToArray().ShouldBe(expected[i], $"{room} bytes, session {i}");
                sessions[i].Dispose();
            }
        }

        // Two caches of two layers, each of which may have grown by then, and what the batch leaves of splits.
        without.Count.ShouldBe(5);
        without.ShouldContain(which => which.Contains("the longest"));

        Session[] Sessions() => [.. lengths.Select(length => Make(model, new SessionOptions { Context = Page + 40 }, length))];
    }

    [Fact]
    public void A_batch_that_cannot_be_made_leaves_nothing_and_one_that_is_disposed_gives_all_back()
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        using RecallModel model = RecallDecoder.Load(device);
        long before = device.AllocatedBytes;
        model.CreateBatch(1).Dispose();
        SessionBatch batch = model.CreateBatch();
        long needed = device.AllocatedBytes - before;
        needed.ShouldBeGreaterThan(16 * RecallDecoder.Vocabulary * sizeof(float));
        batch.Dispose();
        device.AllocatedBytes.ShouldBe(before);
        for (int room = 1; room < needed; room += (int)needed / 7)
        {
            driver.Faults.MemoryLimit = driver.AllocatedBytes + room;
            Should.Throw<InsufficientDeviceMemoryException>(() => model.CreateBatch());
            driver.Faults.MemoryLimit = null;
            device.AllocatedBytes.ShouldBe(before, $"{room} bytes");
        }
    }

    [Fact]
    public void A_run_that_breaks_off_changes_no_session_and_the_next_is_right()
    {
        using RecallModel model = RecallDecoder.Load(TestDevice.Shared);
        var options = new SessionOptions { Context = 32 };
        Session[] sessions = [Make(model, options, 3), Make(model, options, 5)];
        Session[] alone = [Make(model, options, 3), Make(model, options, 5)];
        using SessionBatch batch = model.CreateBatch();
        model.Program.InRun = (_, _) => throw new NotSupportedException("no such kernel");
        Should.Throw<NotSupportedException>(() => batch.Forward(sessions, [1, 2]));
        model.Program.InRun = null;
        sessions.Select(session => session.Position).ShouldBe([3, 5]);
        batch.Forward([sessions[1], sessions[0]], [7, 8]);
        batch.Logits(0).ToArray().ShouldBe(alone[1].Forward([7]).ToArray());
        batch.Logits(1).ToArray().ShouldBe(alone[0].Forward([8]).ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public void A_launch_that_fails_is_what_leaves_the_using_blocks_and_everything_is_freed(int launch)
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        string first = "";
        Should.Throw<DeviceLostException>(() =>
        {
            using (device)
            {
                using RecallModel model = RecallDecoder.Load(device);
                using Session one = Make(model, new SessionOptions { Context = 32, Metering = false }, 3);
                using Session other = Make(model, new SessionOptions { Context = 32 }, 4);
                using Session metered = Make(model, new SessionOptions { Context = 32, Metering = true }, 4);
                using SessionBatch batch = model.CreateBatch();
                batch.Forward([metered, one, other], [1, 2, 3]);
                driver.Faults.FailLaunch = launch;
                first = Should.Throw<DeviceLostException>(() => batch.Forward([metered, one, other], [1, 2, 3])).Message;
                new[] { one, other, metered }.Select(session => session.Position).ShouldBe([4, 5, 5]);
                batch.Forward([metered, one, other], [1, 2, 3]);
            }
        }).Message.ShouldBe(first);
        driver.AllocatedBytes.ShouldBe(0);
        device.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void A_device_that_is_lost_before_a_call_is_what_the_call_tells()
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        RecallModel model = RecallDecoder.Load(device);
        Session[] sessions = [Make(model, new SessionOptions { Context = 32 }, 3), Make(model, new SessionOptions { Context = 32 }, 0)];
        SessionBatch batch = model.CreateBatch();
        driver.Faults.Lost = true;
        string first = Should.Throw<DeviceLostException>(() => batch.Forward(sessions, [1, 2])).Message;
        Should.Throw<DeviceLostException>(() => batch.Forward(sessions, [1, 2])).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => model.CreateBatch()).Message.ShouldBe(first);
        sessions.Select(session => session.Position).ShouldBe([3, 0]);
        batch.Dispose();
        Array.ForEach(sessions, session => session.Dispose());
        model.Dispose();
        device.Dispose();
        driver.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void Work_that_a_driver_does_only_when_it_is_waited_for_gives_the_same()
    {
        using RecallModel prompt = RecallDecoder.Load(TestDevice.Shared);
        float[][] expected = Run(prompt);
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext.Of(device).Faults.DeferWork = true;
        using RecallModel deferred = RecallDecoder.Load(device);
        float[][] actual = Run(deferred);
        for (int i = 0; i < expected.Length; i++)
        {
            actual[i].ShouldBe(expected[i]);
        }

        static float[][] Run(RecallModel model)
        {
            Session[] sessions = [.. new[] { 3, 5, 0 }.Select(length => Make(model, new SessionOptions { Context = 32 }, length))];
            using SessionBatch batch = model.CreateBatch();
            var logits = new List<float[]>();
            for (int token = 0; token < 5; token++)
            {
                batch.Forward(sessions, [token, token + 1, token + 2]);
                logits.AddRange(Enumerable.Range(0, 3).Select(i => batch.Logits(i).ToArray()));
                logits.Add(sessions[token % 3].Forward([9]).ToArray());
            }

            Array.ForEach(sessions, session => session.Dispose());
            return [.. logits];
        }
    }

    [Fact]
    public void Dropped_batches_and_their_sessions_give_their_memory_back()
    {
        using IlgpuDevice device = TestDevice.Open();
        RecallModel model = RecallDecoder.Load(device);
        Make(model, new SessionOptions { Context = 32 }, 1).Dispose(); // what sessions share comes with the first
        long weights = device.AllocatedBytes;
        using SessionBatch kept = model.CreateBatch();
        long batch = device.AllocatedBytes - weights;
        Drop(model, kept);
        Eventually.ShouldBe(() => device.AllocatedBytes == weights + batch, "memory of what was dropped");
        model.Dispose();
        device.AllocatedBytes.ShouldBe(weights + batch, "the batch has the weights");
        kept.Dispose();
        device.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Batches_on_several_threads_take_turns_with_sessions_that_open_and_run()
    {
        using RecallModel model = RecallDecoder.Load(TestDevice.Shared);
        Task[] callers = [.. Enumerable.Range(0, 4).Select(caller => Task.Factory.StartNew(
            () =>
            {
                using SessionBatch batch = model.CreateBatch(2);
                for (int round = 0; round < 4; round++)
                {
                    // Longer ones each time: the shared rotary table is made anew beside runs that read it.
                    var options = new SessionOptions { Context = 8 << (round + caller) };
                    using Session first = Make(model, options, 2);
                    using Session second = Make(model, options, 3);
                    using Session alone = Make(model, options, 3);
                    batch.Forward([first, second], [caller, round]);
                    batch.Logits(1).ToArray().ShouldBe(alone.Forward([round]).ToArray());
                }
            },
            TaskCreationOptions.LongRunning))];
        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>A session that has a prompt of so many tokens.</summary>
    private static Session Make(RecallModel model, SessionOptions options, int length)
    {
        Session session = model.CreateSession(options);
        if (length > 0)
        {
            session.Forward([.. Enumerable.Range(0, length).Select(i => (i * i) % RecallDecoder.Vocabulary)]);
        }

        return session;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(RecallModel model, SessionBatch kept)
    {
        for (int i = 0; i < 3; i++)
        {
            Session[] sessions = [Make(model, new SessionOptions { Context = 32 }, 1), Make(model, new SessionOptions { Context = 32 }, 1)];
            model.CreateBatch().Forward(sessions, [1, 2]);
            kept.Forward(sessions, [3, 4]);
        }
    }
}
