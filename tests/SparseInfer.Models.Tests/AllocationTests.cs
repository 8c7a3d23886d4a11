namespace SparseInfer.Models.Tests;

/// <summary>Tests that measure the whole process run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Decoding allocates nothing on the managed heap, in the calling thread or in workers.</summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests(LoadedModels models)
{
    private const int Steps = 50;

    public static TheoryData<Loaded, SparsityMode> All
    {
        get
        {
            var data = new TheoryData<Loaded, SparsityMode>();
            foreach (Loaded model in new[] { Loaded.ReluF16, Loaded.ReluMixedFile, Loaded.Stories260KF16 })
            {
                foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
                {
                    data.Add(model, mode);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_step_on_one_thread_allocates_nothing(Loaded model, SparsityMode mode)
    {
        using Session session = WarmedUp(model, mode, threads: 1, metering: false);
        Least(session, GC.GetAllocatedBytesForCurrentThread).ShouldBe(0);
    }

    [Theory]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.Q8_0)]
    public void A_step_with_a_cache_of_fewer_bytes_allocates_nothing(KeyValueType type)
    {
        using Session session = WarmedUp(Loaded.ReluF16, SparsityMode.Predicted, threads: 1, metering: false, type);
        Least(session, GC.GetAllocatedBytesForCurrentThread).ShouldBe(0);
    }

    [Fact]
    public void A_metered_step_and_a_prompt_allocate_nothing_either()
    {
        using Session session = WarmedUp(Loaded.ReluF16, SparsityMode.Predicted, threads: 1, metering: true);
        Least(session, GC.GetAllocatedBytesForCurrentThread).ShouldBe(0);

        int[] prompt = BundledFiles.Opening(100);
        session.Rewind(0);
        session.Forward(prompt);
        Enumerable.Range(0, 10).Min(_ => OfPrompt()).ShouldBe(0);

        long OfPrompt()
        {
            session.Rewind(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            session.Forward(prompt);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public void A_step_on_two_threads_allocates_nothing_in_the_process(SparsityMode mode)
    {
        using Session session = WarmedUp(Loaded.ReluF16, mode, threads: 2, metering: false);

        Least(session, () => GC.GetTotalAllocatedBytes(precise: true)).ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_of_several_sessions_together_allocates_nothing(bool metering)
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads: 1);
        Session[] sessions = [.. Enum.GetValues<SparsityMode>().Select(mode => model.CreateSession(new SessionOptions { Mode = mode, Metering = metering }))];
        using SessionBatch batch = model.CreateBatch(sessions.Length);
        long Allocated()
        {
            Array.ForEach(sessions, session => session.Rewind(0));
            Span<int> tokens = stackalloc int[sessions.Length];
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Steps; i++)
            {
                tokens.Fill(300 + i);
                batch.Forward(sessions, tokens);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Enumerable.Range(0, 10).Min(_ => Allocated()).ShouldBe(0);
        Array.ForEach(sessions, session => session.Dispose());
    }

    /// <summary>
    /// What the round that allocates least does. Whatever else happens now and then (the test runner reports, the runtime loads or compiles
    /// something once) must not count: a step that allocates does so in every round.
    /// </summary>
    private static long Least(Session session, Func<long> read)
    {
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            least = Math.Min(least, Allocated(session, read));
        }

        return least;
    }

    private static long Allocated(Session session, Func<long> read)
    {
        session.Rewind(1);
        Span<int> token = stackalloc int[1];
        read();
        long before = read();
        for (int i = 0; i < Steps; i++)
        {
            token[0] = 300 + i;
            session.Forward(token);
        }

        return read() - before;
    }

    private Session WarmedUp(Loaded model, SparsityMode mode, int threads, bool metering, KeyValueType? cacheType = null)
    {
        Session session = models.Get(model, threads).CreateSession(new SessionOptions { Mode = mode, Metering = metering, CacheType = cacheType });
        session.Forward([1]);
        Allocated(session, () => 0);
        return session;
    }
}
