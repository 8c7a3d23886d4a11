namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Waits that <see cref="Thread.Interrupt"/> does not end: whoever left such a wait early would leave work behind that still runs, or a state
/// half changed. Each returns whether the thread was interrupted meanwhile, for <see cref="Raise"/> when all is done.
/// </summary>
internal static class Uninterruptible
{
    /// <summary>Enters a lock, to be left by <see cref="Lock.Exit"/>.</summary>
    public static bool Enter(Lock gate)
    {
        bool interrupted = false;
        while (true)
        {
            try
            {
                gate.Enter();
                return interrupted;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }
    }

    /// <summary>Enters a monitor, to be left by <see cref="Monitor.Exit"/>.</summary>
    public static bool Enter(object gate)
    {
        bool interrupted = false;
        bool entered = false;
        while (!entered)
        {
            try
            {
                Monitor.Enter(gate, ref entered);
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        return interrupted;
    }

    /// <summary>Waits, in a monitor, for a pulse or an interrupt: as after any wait, what was waited for is to be looked at again.</summary>
    public static bool Wait(object gate)
    {
        try
        {
            Monitor.Wait(gate);
            return false;
        }
        catch (ThreadInterruptedException)
        {
            if (!Monitor.IsEntered(gate))
            {
                Enter(gate);
            }

            return true;
        }
    }

    /// <summary>Waits until a thread has ended.</summary>
    public static bool Join(Thread thread)
    {
        bool interrupted = false;
        while (true)
        {
            try
            {
                thread.Join();
                return interrupted;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }
    }

    /// <summary>Interrupts the calling thread again, as it was while it could not be: its next wait throws.</summary>
    public static void Raise(bool interrupted)
    {
        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
