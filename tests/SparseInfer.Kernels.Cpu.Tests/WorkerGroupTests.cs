namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class WorkerGroupTests
{
    public static TheoryData<int> Counts => new(1, 2, 3, 5);

    [Theory]
    [MemberData(nameof(Counts))]
    public void Every_worker_runs_once_and_the_caller_is_worker_zero(int count)
    {
        using var group = new WorkerGroup(count);
        group.Count.ShouldBe(count);
        var runs = new int[count];
        int caller = Environment.CurrentManagedThreadId;
        var job = new Job(worker =>
        {
            Interlocked.Increment(ref runs[worker]);
            (Environment.CurrentManagedThreadId == caller).ShouldBe(worker == 0);
            if (worker > 0)
            {
                Thread.CurrentThread.IsBackground.ShouldBeTrue();
                Thread.CurrentThread.Name.ShouldBe($"SparseInfer worker {worker}");
            }
        });
        for (int run = 1; run <= 200; run++)
        {
            group.Run(job);
            runs.ShouldAllBe(times => times == run);
        }
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void After_a_barrier_every_worker_sees_what_every_other_wrote_before_it(int count)
    {
        using var group = new WorkerGroup(count);
        var places = new int[count];
        int wrong = 0;
        var job = new Job(worker =>
        {
            for (int step = 1; step <= 300; step++)
            {
                places[worker] = step;
                group.Barrier();
                for (int other = 0; other < count; other++)
                {
                    if (places[other] != step)
                    {
                        Interlocked.Increment(ref wrong);
                    }
                }

                group.Barrier();
            }
        });
        for (int run = 0; run < 5; run++)
        {
            group.Run(job);
        }

        wrong.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Workers_that_have_parked_wake_up_at_barriers_and_for_the_next_run(int count)
    {
        using var group = new WorkerGroup(count);
        int met = 0;
        var job = new Job(worker =>
        {
            if (worker == count - 1)
            {
                Thread.Sleep(5);
            }

            group.Barrier();
            Interlocked.Increment(ref met);
        });
        for (int run = 0; run < 5; run++)
        {
            group.Run(job);
            Thread.Sleep(5);
        }

        met.ShouldBe(5 * count);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void What_a_worker_throws_reaches_the_caller_and_nobody_hangs_at_a_barrier(int count)
    {
        using var group = new WorkerGroup(count);
        for (int failing = 0; failing < count; failing++)
        {
            for (int barriers = 0; barriers < 3; barriers++)
            {
                var job = new Job(worker =>
                {
                    for (int barrier = 0; barrier < 5; barrier++)
                    {
                        if (worker == failing && barrier == barriers)
                        {
                            throw new InvalidDataException($"worker {worker}");
                        }

                        group.Barrier();
                    }
                });
                Should.Throw<InvalidDataException>(() => group.Run(job)).Message.ShouldBe($"worker {failing}");
            }
        }

        int met = 0;
        group.Run(new Job(_ =>
        {
            group.Barrier();
            Interlocked.Increment(ref met);
        }));
        met.ShouldBe(count);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Neither_a_run_nor_a_barrier_allocates_parked_or_not(int count)
    {
        using var group = new WorkerGroup(count);
        var allocated = new long[count];
        bool sleep = false;
        var job = new Job(worker =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
            {
                if (sleep && worker == 0)
                {
                    Thread.Sleep(1);
                }

                group.Barrier();
            }

            allocated[worker] = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        foreach (bool parks in new[] { false, true })
        {
            sleep = parks;
            group.Run(job);

            // A collection, which other tests may cause, takes what is left of a thread's 8 KiB as allocated: then the counts say nothing.
            int collections;
            long all;
            int attempts = 0;
            do
            {
                collections = GC.CollectionCount(0);
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int run = 0; run < 10; run++)
                {
                    group.Run(job);
                }

                all = GC.GetAllocatedBytesForCurrentThread() - before;
            }
            while (GC.CollectionCount(0) != collections && ++attempts < 100);

            all.ShouldBe(0);
            allocated.ShouldAllBe(bytes => bytes == 0);
        }
    }

    [Fact]
    public void Callers_on_several_threads_take_turns()
    {
        using var group = new WorkerGroup(2);
        int inside = 0;
        int overlaps = 0;
        int runs = 0;
        var job = new Job(worker =>
        {
            if (worker == 0 && Interlocked.Increment(ref inside) != 1)
            {
                Interlocked.Increment(ref overlaps);
            }

            group.Barrier();
            Interlocked.Add(ref runs, worker);
            group.Barrier();
            if (worker == 0)
            {
                Interlocked.Decrement(ref inside);
            }
        });
        var callers = new Thread[4];
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = new Thread(() =>
            {
                for (int run = 0; run < 50; run++)
                {
                    group.Run(job);
                }
            });
            callers[i].Start();
        }

        foreach (Thread caller in callers)
        {
            caller.Join();
        }

        overlaps.ShouldBe(0);
        runs.ShouldBe(200);
    }

    [Fact]
    public void A_job_that_runs_another_on_its_own_group_is_refused_instead_of_hanging()
    {
        using var group = new WorkerGroup(2);
        for (int worker = 0; worker < 2; worker++)
        {
            int nesting = worker;
            var job = new Job(w =>
            {
                if (w == nesting)
                {
                    group.Run(new Job(_ => { }));
                }
            });
            Should.Throw<InvalidOperationException>(() => group.Run(job));
        }
    }

    [Fact]
    public void A_job_may_use_another_group()
    {
        using var outer = new WorkerGroup(2);
        using var inner = new WorkerGroup(2);
        int runs = 0;
        outer.Run(new Job(_ => inner.Run(new Job(_ => Interlocked.Increment(ref runs)))));
        runs.ShouldBe(4);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Disposing_ends_the_threads_and_later_runs_are_refused(int count)
    {
        var group = new WorkerGroup(count);
        var threads = new Thread[count];
        group.Run(new Job(worker => threads[worker] = Thread.CurrentThread));
        group.Dispose();
        group.Dispose();
        threads.Skip(1).ShouldAllBe(thread => !thread.IsAlive);
        Should.Throw<ObjectDisposedException>(() => group.Run(new Job(_ => { })));
    }

    [Fact]
    public void A_group_needs_a_worker()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new WorkerGroup(0));
    }

    [Fact]
    public void Slices_follow_one_another_cover_everything_once_and_differ_by_one_multiple_at_most()
    {
        foreach (int total in new[] { 0, 1, 31, 32, 100, 768, 11008, int.MaxValue })
        {
            foreach (int parts in new[] { 1, 2, 3, 5, 64 })
            {
                foreach (int multiple in new[] { 1, 4, 32 })
                {
                    int end = 0;
                    long smallest = long.MaxValue;
                    long largest = 0;
                    for (int index = 0; index < parts; index++)
                    {
                        (int from, int to) = WorkerGroup.Slice(total, parts, index, multiple);
                        from.ShouldBe(end);
                        if (from < total)
                        {
                            (from % multiple).ShouldBe(0);
                        }

                        end = to;
                        smallest = Math.Min(smallest, (long)to - from);
                        largest = Math.Max(largest, (long)to - from);
                    }

                    end.ShouldBe(total);
                    (largest - smallest).ShouldBeLessThan(2L * multiple);
                }
            }
        }
    }

    private sealed class Job(Action<int> body) : IWorkerJob
    {
        public void Execute(int worker) => body(worker);
    }
}
