using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Cli.Inspect;

/// <summary>What was counted of a kernel's launches, added up.</summary>
internal sealed class CountedKernel(LaunchCounters counters)
{
    private const int WarpSize = 32;

    /// <summary>The kernel method's name.</summary>
    public string Name => counters.Kernel;

    /// <summary>Times that it was launched.</summary>
    public int Launches => counters.Launches;

    /// <summary>Groups of all launches.</summary>
    public long Groups => counters.Groups;

    /// <summary>Bytes of global memory that the lanes loaded and stored, each lane's counted.</summary>
    public long BytesAsked => counters.Global.LoadedBytes + counters.Global.StoredBytes;

    /// <summary>Sectors of 32 bytes that these touched, each once an access of a warp.</summary>
    public long Sectors => counters.Global.LoadedSectors + counters.Global.StoredSectors;

    /// <summary>Fewest sectors that hold so many bytes; less are touched where lanes ask for the same.</summary>
    public long MinSectors => (BytesAsked + 31) / 32;

    /// <summary>Passes of shared memory beyond the least.</summary>
    public long BankConflicts => counters.BankConflicts;

    /// <summary>Of the lanes of all warps that load, the share that takes no part.</summary>
    public double IdleLoadShare => Share(counters.Global.IdleLoadLanes, counters.Global.Loads);

    /// <summary>Instructions that warps executed, in all launches.</summary>
    public long Instructions => counters.Instructions.Values.Sum();

    /// <summary>The same by class; those that there were.</summary>
    public IEnumerable<KeyValuePair<InstructionClass, long>> InstructionsByClass =>
        counters.Instructions.Where(pair => pair.Value > 0).OrderBy(pair => pair.Key);

    /// <summary>Of the lanes of all instructions, the share that takes no part.</summary>
    public double IdleShare => Share(counters.IdleLanes, Instructions);

    /// <summary>Instructions to each 16 bytes that a lane loads from global memory; null: it loads nothing.</summary>
    public double? InstructionsPer16Bytes =>
        counters.Global.LoadedBytes == 0 ? null : Instructions * 16.0 * WarpSize / counters.Global.LoadedBytes;

    private static double Share(long lanes, long warps) => warps == 0 ? 0 : lanes / ((double)WarpSize * warps);
}
