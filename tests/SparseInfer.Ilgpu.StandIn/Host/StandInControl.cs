using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn;

/// <summary>What the stand-in offers beyond ILGPU's API: counters, a limit of memory, and how many groups run at once.</summary>
public sealed class StandInControl
{
    private readonly List<LaunchCounters> _launches = [];
    private long _allocated;

    internal StandInControl(Accelerator accelerator)
    {
        MemoryLimit = accelerator.MemorySize;
    }

    /// <summary>Whether launches are counted from now on. Counting is slow, and runs one group after the other.</summary>
    public bool CountAccesses { get; set; }

    /// <summary>Threads that run groups, at least 1. Results do not depend on it.</summary>
    public int Parallelism { get; set; } = Environment.ProcessorCount;

    /// <summary>Bytes of device memory that may be allocated at one time.</summary>
    public long MemoryLimit { get; set; }

    /// <summary>Bytes of device memory that are allocated now.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocated);

    /// <summary>The launches that were counted, oldest first.</summary>
    public IReadOnlyList<LaunchCounters> Launches
    {
        get
        {
            lock (_launches)
                return [.. _launches];
        }
    }

    /// <summary>Launches of one kernel that were counted, added up.</summary>
    /// <param name="kernel">The kernel method's name.</param>
    /// <exception cref="KeyNotFoundException">No launch of that kernel was counted.</exception>
    public LaunchCounters Counted(string kernel) => LaunchCounters.Sum(kernel, Launches);

    /// <summary>Forgets what was counted.</summary>
    public void ClearCounters()
    {
        lock (_launches)
            _launches.Clear();
    }

    internal void Charge(long bytes)
    {
        long allocated = Interlocked.Add(ref _allocated, bytes);
        if (bytes <= 0 || allocated <= MemoryLimit)
            return;
        Interlocked.Add(ref _allocated, -bytes);
        throw new StandInMemoryException(
            $"Out of memory: {bytes} bytes were asked for, {allocated - bytes} of {MemoryLimit} are in use.");
    }

    internal void Add(LaunchCounters counters)
    {
        lock (_launches)
            _launches.Add(counters);
    }
}

/// <summary>The way from an accelerator to the stand-in's own settings.</summary>
public static class StandInExtensions
{
    /// <summary>The stand-in behind an accelerator.</summary>
    public static StandInControl StandIn(this Accelerator accelerator) => accelerator.Control;
}
