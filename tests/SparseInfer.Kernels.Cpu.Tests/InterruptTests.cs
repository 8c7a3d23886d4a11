using System.Diagnostics;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Threads that somebody interrupts while they wait for others: no run may end before its workers.</summary>
public sealed class InterruptTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_caller_that_is_interrupted_leaves_when_all_workers_are_done_and_then_its_next_wait_throws(bool atBarrier)
    {
        using var group = new WorkerGroup(3);
        using var go = new ManualResetEventSlim();
        int done = 0;
        var job = new Job(worker =>
        {
            if (worker > 0)
            {
                go.Wait();
                Interlocked.Increment(ref done);
            }

            if (atBarrier)
            {
                group.Barrier();
            }
        });
        int doneAtReturn = -1;
        bool threw = false;
        var caller = new Thread(() =>
        {
            group.Run(job);
            doneAtReturn = Volatile.Read(ref done);
            threw = NextWaitThrows();
        });
        caller.Start();
        for (int i = 0; i < 20; i++)
        {
            caller.Interrupt();
            Thread.Sleep(1);
        }

        caller.IsAlive.ShouldBeTrue("its workers have not ended");
        go.Set();
        caller.Join();
        doneAtReturn.ShouldBe(2);
        threw.ShouldBeTrue("the interrupt is raised again");
        ShouldWork(group);
    }

    [Fact]
    public void A_caller_that_waits_for_another_is_not_let_in_by_an_interrupt()
    {
        using var group = new WorkerGroup(2);
        using var go = new ManualResetEventSlim();
        using var running = new ManualResetEventSlim();
        int inside = 0;
        int overlaps = 0;
        var first = new Thread(() => group.Run(new Job(worker =>
        {
            Interlocked.Increment(ref inside);
            running.Set();
            go.Wait();
            Interlocked.Decrement(ref inside);
        })));
        first.Start();
        running.Wait();
        bool threw = false;
        var second = new Thread(() =>
        {
            group.Run(new Job(_ => Interlocked.Add(ref overlaps, Volatile.Read(ref inside))));
            threw = NextWaitThrows();
        });
        second.Start();
        for (int i = 0; i < 5; i++)
        {
            second.Interrupt();
            Thread.Sleep(2);
        }

        second.IsAlive.ShouldBeTrue();
        go.Set();
        first.Join();
        second.Join();
        overlaps.ShouldBe(0);
        threw.ShouldBeTrue();
        ShouldWork(group);
    }

    [Fact]
    public void Thousands_of_interrupts_of_several_callers_change_no_result()
    {
        const int Count = 3;
        using var group = new WorkerGroup(Count);
        using var stop = new CancellationTokenSource();
        int wrong = 0;
        int finished = 0;
        var callers = new Thread[3];
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = new Thread(() =>
            {
                var places = new int[Count];
                var job = new Job(worker =>
                {
                    for (int step = 0; step < 10; step++)
                    {
                        places[worker]++;
                        group.Barrier();
                        if (places.Distinct().Count() != 1)
                        {
                            Interlocked.Increment(ref wrong);
                        }

                        group.Barrier();
                    }
                });
                for (int run = 1; !stop.IsCancellationRequested; run++)
                {
                    group.Run(job);
                    if (places.Any(steps => steps != 10 * run))
                    {
                        Interlocked.Increment(ref wrong);
                    }

                    NextWaitThrows(); // takes what is pending
                }

                Interlocked.Increment(ref finished);
            });
            callers[i].Start();
        }

        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 5000 && Stopwatch.GetElapsedTime(start).TotalSeconds < 3; i++)
        {
            callers[i % callers.Length].Interrupt();
            Thread.Yield();
        }

        stop.Cancel();
        foreach (Thread caller in callers)
        {
            caller.Join(TimeSpan.FromSeconds(30)).ShouldBeTrue("a caller hangs");
        }

        finished.ShouldBe(callers.Length);
        wrong.ShouldBe(0);
        ShouldWork(group);
    }

    [Fact]
    public void A_worker_thread_that_is_interrupted_goes_on()
    {
        using var group = new WorkerGroup(3);
        var threads = new Thread[3];
        group.Run(new Job(worker => threads[worker] = Thread.CurrentThread));
        int wrong = 0;
        int met = 0;
        for (int run = 0; run < 300; run++)
        {
            threads[1 + (run % 2)].Interrupt();
            int before = met;
            group.Run(new Job(worker =>
            {
                if (worker == 0 && run % 10 == 0)
                {
                    Thread.Sleep(1); // so that the others park
                }

                group.Barrier();
                Interlocked.Increment(ref met);
                group.Barrier();
                if (Volatile.Read(ref met) != before + 3)
                {
                    Interlocked.Increment(ref wrong);
                }
            }));
        }

        wrong.ShouldBe(0);
        met.ShouldBe(900);
        NextWaitThrows().ShouldBeFalse("the caller was not interrupted");
    }

    [Fact]
    public void What_a_job_of_an_interrupted_caller_throws_leaves_nothing_behind()
    {
        using var group = new WorkerGroup(3);
        for (int failing = 0; failing < 3; failing++)
        {
            var caller = new Thread(() =>
            {
                Thread.CurrentThread.Interrupt();
                Should.Throw<InvalidDataException>(() => group.Run(new Job(worker =>
                {
                    if (worker == failing)
                    {
                        throw new InvalidDataException();
                    }

                    group.Barrier();
                })));
                NextWaitThrows();
            });
            caller.Start();
            caller.Join();
            ShouldWork(group);
        }
    }

    [Fact]
    public void Disposing_waits_for_the_threads_of_a_group_although_it_is_interrupted()
    {
        var group = new WorkerGroup(3);
        var threads = new Thread[3];
        using var running = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var caller = new Thread(() => group.Run(new Job(worker =>
        {
            threads[worker] = Thread.CurrentThread;
            if (worker == 0)
            {
                running.Set();
            }

            go.Wait();
        })));
        caller.Start();
        running.Wait();
        bool ended = false;
        bool threw = false;
        var disposer = new Thread(() =>
        {
            group.Dispose();
            ended = threads.Skip(1).All(thread => !thread.IsAlive);
            threw = NextWaitThrows();
        });
        disposer.Start();
        for (int i = 0; i < 10; i++)
        {
            disposer.Interrupt();
            Thread.Sleep(1);
        }

        disposer.IsAlive.ShouldBeTrue();
        go.Set();
        disposer.Join();
        caller.Join();
        ended.ShouldBeTrue();
        threw.ShouldBeTrue();
    }

    [Fact]
    public void A_job_that_disposes_its_own_group_is_refused_instead_of_hanging()
    {
        using var group = new WorkerGroup(2);
        for (int worker = 0; worker < 2; worker++)
        {
            int disposing = worker;
            Should.Throw<InvalidOperationException>(() => group.Run(new Job(w =>
            {
                if (w == disposing)
                {
                    group.Dispose();
                }
            })));
        }

        ShouldWork(group);
    }

    [Fact]
    public void Groups_that_several_threads_dispose_of_end_once()
    {
        for (int i = 0; i < 20; i++)
        {
            var group = new WorkerGroup(3);
            var threads = new Thread[3];
            group.Run(new Job(worker => threads[worker] = Thread.CurrentThread));
            Parallel.For(0, 4, _ =>
            {
                group.Dispose();
                threads.Skip(1).ShouldAllBe(thread => !thread.IsAlive);
            });
        }
    }

    [Fact]
    public void A_loop_ends_when_all_of_its_threads_have_although_its_caller_is_interrupted()
    {
        int inBody = 0;
        int left = -1;
        bool threw = false;
        var runs = new int[64];
        var caller = new Thread(() =>
        {
            ParallelLoop.For(0, runs.Length, i =>
            {
                Interlocked.Increment(ref inBody);
                for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalMilliseconds < 2;)
                {
                    Thread.SpinWait(20); // no wait: an interrupt would be the body's
                }

                Interlocked.Increment(ref runs[i]);
                Interlocked.Decrement(ref inBody);
            });
            left = Volatile.Read(ref inBody);
            threw = NextWaitThrows();
        });
        caller.Start();
        while (caller.IsAlive)
        {
            caller.Interrupt();
            Thread.Sleep(1);
        }

        left.ShouldBe(0);
        threw.ShouldBeTrue();
        runs.ShouldAllBe(times => times == 1);
    }

    [Fact]
    public void A_loop_throws_what_its_body_threw_and_begins_no_more()
    {
        int begun = 0;
        Should.Throw<InvalidDataException>(() => ParallelLoop.For(0, 1_000_000, i =>
        {
            Interlocked.Increment(ref begun);
            if (i == 10)
            {
                throw new InvalidDataException();
            }
        }));
        begun.ShouldBeLessThan(1_000_000);
        ParallelLoop.For(5, 5, _ => throw new InvalidDataException());
        var mine = new HashSet<object>();
        int sum = 0;
        ParallelLoop.For(-3, 100, () => new object(), (i, own) =>
        {
            lock (mine)
            {
                mine.Add(own);
            }

            Interlocked.Add(ref sum, i);
        });
        sum.ShouldBe(Enumerable.Range(-3, 103).Sum());
        mine.Count.ShouldBeInRange(1, Environment.ProcessorCount);
    }

    private static void ShouldWork(WorkerGroup group)
    {
        int met = 0;
        group.Run(new Job(_ =>
        {
            group.Barrier();
            Interlocked.Increment(ref met);
        }));
        met.ShouldBe(group.Count);
    }

    /// <summary>Whether the thread has an interrupt pending; takes it.</summary>
    private static bool NextWaitThrows()
    {
        try
        {
            Thread.Sleep(1);
            return false;
        }
        catch (ThreadInterruptedException)
        {
            return true;
        }
    }

    private sealed class Job(Action<int> body) : IWorkerJob
    {
        public void Execute(int worker) => body(worker);
    }
}
