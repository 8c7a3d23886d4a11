using System.Diagnostics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>A counter whose changes threads wait for: spinning at first, since most waits in a layer are short, then parked.</summary>
internal sealed class Phase(bool oversubscribed)
{
    /// <summary>About what parking and waking costs: whoever waits longer loses no more than that again.</summary>
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

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
        do
        {
            if (Value != seen)
                return;
            // With fewer cores than threads, the thread that is waited for may need this one's.
            if (oversubscribed)
                Thread.Yield();
            else
                Thread.SpinWait(4);
        }
        while (Stopwatch.GetTimestamp() - start < SpinTicks);

        lock (_lock)
        {
            Interlocked.Increment(ref _parked);
            while (Value == seen)
                Monitor.Wait(_lock);
            Interlocked.Decrement(ref _parked);
        }
    }
}
