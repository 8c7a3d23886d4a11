namespace SparseInfer.SoftwareCuda.Counting;

/// <summary>What one launch did, counted; or several of one kernel, added up.</summary>
public sealed class LaunchCounters
{
    private readonly Dictionary<string, MemoryCounters> _memory = new(StringComparer.Ordinal);
    private readonly Dictionary<InstructionClass, long> _instructions = [];

    internal LaunchCounters(string kernel)
    {
        Kernel = kernel;
    }

    /// <summary>The kernel method's name.</summary>
    public string Kernel { get; }

    /// <summary>Launches that were added up here.</summary>
    public int Launches { get; internal set; } = 1;

    /// <summary>Groups.</summary>
    public long Groups { get; internal set; }

    /// <summary>Warps of all groups.</summary>
    public long Warps { get; internal set; }

    /// <summary>Shuffles executed, one for a whole warp.</summary>
    public long Shuffles { get; internal set; }

    /// <summary>Barriers executed, one for a whole group.</summary>
    public long Barriers { get; internal set; }

    /// <summary>Bytes of shared memory that a group uses.</summary>
    public int SharedBytesPerGroup { get; internal set; }

    /// <summary>Instructions executed, one for a whole warp however many of its lanes take part, by class: <c>load.global</c>, <c>fma</c>, <c>integer</c>, ...</summary>
    public IReadOnlyDictionary<InstructionClass, long> Instructions => _instructions;

    /// <summary>Of the lanes of all executed instructions, how many took no part.</summary>
    public long IdleLanes { get; internal set; }

    /// <summary>
    /// Global memory, by the kernel's parameter whose pointer leads to it: <c>x</c>, or <c>w+32</c> for a pointer 32 bytes inside of a structure;
    /// where two parameters point into one allocation, the nearest pointer at or below the address.
    /// </summary>
    public IReadOnlyDictionary<string, MemoryCounters> Memory => _memory;

    /// <summary>All global memory.</summary>
    public MemoryCounters Global
    {
        get
        {
            var total = new MemoryCounters();
            foreach (MemoryCounters part in _memory.Values)
            {
                total.Add(part);
            }

            return total;
        }
    }

    /// <summary>Accesses of shared memory by a whole warp.</summary>
    public long SharedAccesses { get; internal set; }

    /// <summary>Passes that bank conflicts cost, beyond the least that each access's width needs.</summary>
    public long BankConflicts { get; internal set; }

    internal static LaunchCounters Sum(string kernel, IEnumerable<LaunchCounters> launches)
    {
        var sum = new LaunchCounters(kernel) { Launches = 0 };
        foreach (LaunchCounters launch in launches)
        {
            sum.Launches += launch.Launches;
            sum.Groups += launch.Groups;
            sum.Warps += launch.Warps;
            sum.Shuffles += launch.Shuffles;
            sum.Barriers += launch.Barriers;
            sum.IdleLanes += launch.IdleLanes;
            sum.SharedAccesses += launch.SharedAccesses;
            sum.BankConflicts += launch.BankConflicts;
            sum.SharedBytesPerGroup = Math.Max(sum.SharedBytesPerGroup, launch.SharedBytesPerGroup);
            foreach ((string label, MemoryCounters part) in launch._memory)
            {
                sum.For(label).Add(part);
            }

            foreach ((InstructionClass @class, long count) in launch._instructions)
            {
                sum.Count(@class, count);
            }
        }

        return sum;
    }

    internal void Count(InstructionClass @class, long count)
    {
        if (count != 0)
        {
            _instructions[@class] = _instructions.GetValueOrDefault(@class) + count;
        }
    }

    internal MemoryCounters For(string label)
    {
        if (!_memory.TryGetValue(label, out MemoryCounters? counters))
        {
            _memory.Add(label, counters = new MemoryCounters());
        }

        return counters;
    }
}

/// <summary>Classes of instructions, as a multiprocessor's pipes divide them.</summary>
public enum InstructionClass
{
    /// <summary>Loads of global memory.</summary>
    GlobalLoad,

    /// <summary>Stores to global memory.</summary>
    GlobalStore,

    /// <summary>Loads of shared memory.</summary>
    SharedLoad,

    /// <summary>Stores to shared memory.</summary>
    SharedStore,

    /// <summary>Loads of parameters and constants.</summary>
    Parameter,

    /// <summary>Additions, products and fused products of floats.</summary>
    Float,

    /// <summary>Roots, reciprocals, powers: what a special function unit does.</summary>
    Special,

    /// <summary>Integer arithmetic, logic and shifts.</summary>
    Integer,

    /// <summary>Products of four bytes (<c>dp4a</c>).</summary>
    DotProduct,

    /// <summary>Products of small matrices (<c>mma</c>).</summary>
    Matrix,

    /// <summary>Conversions between types.</summary>
    Convert,

    /// <summary>Comparisons and selections.</summary>
    Compare,

    /// <summary>Copies between registers, which a compiler mostly removes.</summary>
    Move,

    /// <summary>Shuffles and votes.</summary>
    Shuffle,

    /// <summary>Branches and returns.</summary>
    Branch,

    /// <summary>Barriers and fences.</summary>
    Barrier,

    /// <summary>Atomics.</summary>
    Atomic,
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
