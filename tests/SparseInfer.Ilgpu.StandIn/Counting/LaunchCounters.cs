namespace SparseInfer.Ilgpu.StandIn;

/// <summary>What one launch did, counted.</summary>
public sealed class LaunchCounters
{
    private readonly Dictionary<string, MemoryCounters> _memory = new(StringComparer.Ordinal);

    internal LaunchCounters(string kernel)
    {
        Kernel = kernel;
    }

    /// <summary>The kernel method's name.</summary>
    public string Kernel { get; }

    /// <summary>Launches that were added up here.</summary>
    public int Launches { get; internal set; } = 1;

    public long Groups { get; internal set; }

    public long Warps { get; internal set; }

    /// <summary>Shuffles executed, one for a whole warp.</summary>
    public long Shuffles { get; internal set; }

    /// <summary>Barriers executed, one for a whole group.</summary>
    public long Barriers { get; internal set; }

    /// <summary>Bytes of shared memory that a group uses.</summary>
    public int SharedBytesPerGroup { get; internal set; }

    /// <summary>Bytes in all global memory that the launch's parameters see.</summary>
    public long GlobalBytes { get; internal set; }

    /// <summary>Global memory, by the parameter that leads to it: <c>x</c>, or <c>weights.Gate</c> for a field of a structure.</summary>
    public IReadOnlyDictionary<string, MemoryCounters> Memory => _memory;

    /// <summary>All global memory.</summary>
    public MemoryCounters Global
    {
        get
        {
            var total = new MemoryCounters();
            foreach (var part in _memory.Values)
                total.Add(part);
            return total;
        }
    }

    /// <summary>Accesses of shared memory by a whole warp.</summary>
    public long SharedAccesses { get; internal set; }

    /// <summary>Passes that bank conflicts cost, beyond the least that each access's width needs.</summary>
    public long BankConflicts { get; internal set; }

    internal static LaunchCounters Sum(string kernel, IReadOnlyList<LaunchCounters> launches)
    {
        var sum = new LaunchCounters(kernel) { Launches = 0 };
        foreach (var launch in launches.Where(launch => launch.Kernel == kernel))
        {
            sum.Launches += launch.Launches;
            sum.Groups += launch.Groups;
            sum.Warps += launch.Warps;
            sum.Shuffles += launch.Shuffles;
            sum.Barriers += launch.Barriers;
            sum.SharedAccesses += launch.SharedAccesses;
            sum.BankConflicts += launch.BankConflicts;
            sum.SharedBytesPerGroup = Math.Max(sum.SharedBytesPerGroup, launch.SharedBytesPerGroup);
            sum.GlobalBytes = Math.Max(sum.GlobalBytes, launch.GlobalBytes);
            foreach (var (label, part) in launch._memory)
                sum.For(label).Add(part);
        }

        return sum.Launches > 0 ? sum : throw new KeyNotFoundException($"No launch of a kernel {kernel} was counted.");
    }

    internal MemoryCounters For(string label)
    {
        if (!_memory.TryGetValue(label, out var counters))
            _memory.Add(label, counters = new MemoryCounters());
        return counters;
    }
}

/// <summary>Accesses of global memory.</summary>
public sealed class MemoryCounters
{
    /// <summary>Loads by a whole warp.</summary>
    public long Loads { get; internal set; }

    /// <summary>Bytes that the lanes asked for, each lane's counted.</summary>
    public long LoadedBytes { get; internal set; }

    /// <summary>Sectors of 32 bytes that the loads touched, each once a load.</summary>
    public long LoadedSectors { get; internal set; }

    /// <summary>Lanes that took no part in a load of their warp.</summary>
    public long IdleLoadLanes { get; internal set; }

    /// <summary>Stores by a whole warp.</summary>
    public long Stores { get; internal set; }

    /// <summary>Bytes that the lanes stored.</summary>
    public long StoredBytes { get; internal set; }

    /// <summary>Sectors of 32 bytes that the stores touched, each once a store.</summary>
    public long StoredSectors { get; internal set; }

    internal void Add(MemoryCounters other)
    {
        Loads += other.Loads;
        LoadedBytes += other.LoadedBytes;
        LoadedSectors += other.LoadedSectors;
        IdleLoadLanes += other.IdleLoadLanes;
        Stores += other.Stores;
        StoredBytes += other.StoredBytes;
        StoredSectors += other.StoredSectors;
    }
}
