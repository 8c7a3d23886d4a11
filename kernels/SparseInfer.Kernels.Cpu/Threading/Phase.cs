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
        {
            return;
        }

        bool interrupted = Uninterruptible.Enter(_lock);
        Monitor.PulseAll(_lock);
        Monitor.Exit(_lock);
        Uninterruptible.Raise(interrupted);
    }

    /// <summary>Waits until the counter is no longer <paramref name="seen"/>, and no shorter: an interrupt does not end the wait.</summary>
    /// <returns>Whether the thread was interrupted meanwhile, for the caller to raise when it can be.</returns>
    public bool WaitWhile(int seen)
    {
        long start = Stopwatch.GetTimestamp();
        for (long waited = 0; waited < ParkTicks; waited = Stopwatch.GetTimestamp() - start)
        {
            if (Value != seen)
            {
                return false;
            }

            // Whoever is waited for that long may be waiting for this thread's core; with fewer cores than threads, one always is.
            if (oversubscribed || waited > SpinTicks)
            {
                Thread.Yield();
            }
            else
            {
                Thread.SpinWait(4);
            }
        }

        bool interrupted = Uninterruptible.Enter(_lock);
        Interlocked.Increment(ref _parked);
        try
        {
            while (Value == seen)
            {
                interrupted |= Uninterruptible.Wait(_lock);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _parked);
            Monitor.Exit(_lock);
        }

        return interrupted;
    }
}
