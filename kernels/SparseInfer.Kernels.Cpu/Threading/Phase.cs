using System.Diagnostics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A counter whose changes threads wait for: spinning at first, since most waits in a layer are short, then offering the core to others,
/// then parked.
/// </summary>
internal sealed class Phase(bool oversubscribed)
{
    /// <summary>5 µs: workers with a core each and equal parts meet within that.</summary>
    private static readonly long SpinTicks = Stopwatch.Frequency / 200_000;

    /// <summary>50 µs, about what parking and waking costs: whoever waits longer loses no more than that again.</summary>
    private static readonly long ParkTicks = Stopwatch.Frequency / 20_000;

    private readonly object _lock = new();
    private int _value;
    private int _parked;

    /// <summary>The counter, to be read before whatever might advance it.</summary>
    public int Value => Volatile.Read(ref _value);

    /// <summary>Counts on and releases every waiting thread.</summary>
    public void Advance()
    {
        Interlocked.Increment(ref _value);
        // Both sides write, fence and then read the other's word: either the waiting thread sees the new value, or it is seen here.
        if (Volatile.Read(ref _parked) == 0)
            return;
        lock (_lock)
            Monitor.PulseAll(_lock);
    }

    /// <summary>Waits until the counter is no longer <paramref name="seen"/>.</summary>
    public void WaitWhile(int seen)
    {
        long start = Stopwatch.GetTimestamp();
        for (long waited = 0; waited < ParkTicks; waited = Stopwatch.GetTimestamp() - start)
        {
            if (Value != seen)
                return;
            // Whoever is waited for that long may be waiting for this thread's core; with fewer cores than threads, one always is.
            if (oversubscribed || waited > SpinTicks)
                Thread.Yield();
            else
                Thread.SpinWait(4);
        }

        lock (_lock)
        {
            Interlocked.Increment(ref _parked);
            while (Value == seen)
                Monitor.Wait(_lock);
            Interlocked.Decrement(ref _parked);
        }
    }
}
