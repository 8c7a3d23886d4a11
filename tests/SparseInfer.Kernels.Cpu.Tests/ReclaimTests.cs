using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Memory and threads that nobody disposed of.</summary>
public sealed class ReclaimTests
{
    [Fact]
    public void Dropped_buffers_are_freed_without_anybody_asking_for_a_collection()
    {
        // A gigabyte, which is not touched; the garbage collector sees 2,000 small objects and what is said of their size.
        int collections = GC.CollectionCount(2);
        long before = NativeBuffer.AllocatedBytes;
        long most = 0;
        for (int i = 0; i < 2000; i++)
        {
            Drop(512 * 1024);
            most = Math.Max(most, NativeBuffer.AllocatedBytes - before);
            if (i % 5 == 4)
            {
                Thread.Sleep(1); // a collection in the background and its finalizers need time, which who fills half a megabyte takes
            }
        }

        GC.CollectionCount(2).ShouldBeGreaterThan(collections);
        most.ShouldBeLessThan(512L << 20);
    }

    [Fact]
    public void Disposing_from_several_threads_frees_and_counts_once()
    {
        for (int i = 0; i < 200; i++)
        {
            var buffer = NativeBuffer.Allocate(4096 + i);
            Parallel.For(0, 4, _ => buffer.Dispose());
            Should.Throw<ObjectDisposedException>(() => buffer.Address);
        }
    }

    [Fact]
    public void A_pool_frees_everything_although_one_fails()
    {
        var pool = new NativeMemoryPool();
        var buffer = NativeBuffer.Allocate(100);
        var other = NativeBuffer.Allocate(100);
        pool.Own(buffer);
        pool.Own(new Failing());
        pool.Own(other);
        Should.Throw<InvalidDataException>(pool.Dispose);
        Should.Throw<ObjectDisposedException>(() => buffer.Address);
        Should.Throw<ObjectDisposedException>(() => other.Address);
        pool.Dispose();
    }

    [Fact]
    public void The_threads_of_a_dropped_group_end()
    {
        Thread[] threads = DropGroups(10);
        ShouldComeTrue(() => threads.All(thread => !thread.IsAlive), "the threads of dropped groups");
    }

    [Fact]
    public void A_group_keeps_no_job_that_is_over()
    {
        using var group = new WorkerGroup(3);
        WeakReference job = RunOnce(group);
        ShouldComeTrue(() => !job.IsAlive, "the last job");
        GC.KeepAlive(group);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(int bytes) => _ = NativeBuffer.Allocate(bytes).Bytes;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Thread[] DropGroups(int count)
    {
        var threads = new List<Thread>();
        var groups = new List<WorkerGroup>();
        for (int i = 0; i < count; i++)
        {
            var group = new WorkerGroup(3);
            var own = new Thread[3];
            group.Run(new Job(own));
            threads.AddRange(own.Skip(1));
            groups.Add(group);
        }

        threads.ShouldAllBe(thread => thread.IsAlive);
        GC.KeepAlive(groups);
        return [.. threads];
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RunOnce(WorkerGroup group)
    {
        var job = new Job(new Thread[3]);
        group.Run(job);
        return new WeakReference(job);
    }

    private static void ShouldComeTrue(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(start).TotalSeconds.ShouldBeLessThan(20, what);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(1);
        }
    }

    private sealed class Job(Thread[] threads) : IWorkerJob
    {
        public void Execute(int worker) => threads[worker] = Thread.CurrentThread;
    }

    private sealed class Failing : IDisposable
    {
        public void Dispose() => throw new InvalidDataException();
    }
}
