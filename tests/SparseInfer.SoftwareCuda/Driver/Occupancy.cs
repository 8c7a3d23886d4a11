using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>How many groups of a kernel a multiprocessor holds at once: what threads, shared memory and registers leave room for.</summary>
internal static class Occupancy
{
    /// <param name="function">The kernel.</param>
    /// <param name="architecture">The device's, 87 for sm_87.</param>
    /// <param name="groupThreads">Threads of a group, at least 1.</param>
    /// <param name="dynamicSharedBytes">Shared memory beyond what the kernel declares.</param>
    /// <returns>Groups; 0: not even one fits.</returns>
    public static int Groups(PtxFunction function, int architecture, int groupThreads, long dynamicSharedBytes)
    {
        var limits = DeviceLimits.Of(architecture);
        long shared = function.SharedBytes + dynamicSharedBytes;
        if (groupThreads > Math.Min(DeviceLimits.GroupThreads, function.MaxThreads) || shared > DeviceLimits.GroupSharedBytes)
        {
            return 0;
        }

        int warps = DivideUp(groupThreads, DeviceLimits.WarpSize);
        long groups = Math.Min(limits.Groups, limits.Threads / DeviceLimits.WarpSize / warps);
        if (shared + limits.ReservedSharedBytes > 0)
        {
            groups = Math.Min(groups, limits.SharedBytes / RoundUp(shared + limits.ReservedSharedBytes, DeviceLimits.SharedUnit));
        }

        // A kernel that says how many threads its groups have is compiled to fit.
        int most = Math.Min(DeviceLimits.RegistersPerThread, DeviceLimits.Registers / (DivideUp(function.MaxThreads, DeviceLimits.WarpSize) * DeviceLimits.WarpSize));
        int registers = function.MaxThreads < DeviceLimits.GroupThreads ? Math.Min(function.Registers, most) : function.Registers;
        int warpRegisters = (int)RoundUp(Math.Clamp(registers, 16, DeviceLimits.RegistersPerThread) * DeviceLimits.WarpSize, DeviceLimits.RegisterUnit);
        int warpsWithRegisters = DeviceLimits.Registers / warpRegisters / DeviceLimits.WarpUnit * DeviceLimits.WarpUnit;
        return (int)Math.Min(groups, warpsWithRegisters / warps);
    }

    /// <summary>The size of groups with which most threads are there at once; the largest of those.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="architecture">The device's, 87 for sm_87.</param>
    /// <param name="dynamicSharedBytes">Shared memory beyond what the kernel declares, for a group of so many threads.</param>
    /// <param name="mostThreads">No more threads than this; 0: no such limit.</param>
    /// <returns>Threads of a group, and groups of a multiprocessor; zeros where no group fits.</returns>
    public static (int GroupThreads, int Groups) Best(PtxFunction function, int architecture, Func<int, long> dynamicSharedBytes, int mostThreads)
    {
        int limit = Math.Min(function.MaxThreads, DeviceLimits.GroupThreads);
        limit = mostThreads > 0 ? Math.Min(mostThreads, limit) : limit;
        (int GroupThreads, int Groups) best = (0, 0);
        for (int threads = limit; threads > 0; threads = (threads - 1) / DeviceLimits.WarpSize * DeviceLimits.WarpSize)
        {
            int groups = Groups(function, architecture, threads, dynamicSharedBytes(threads));
            if (groups * threads > best.Groups * best.GroupThreads)
            {
                best = (threads, groups);
            }
        }

        return best;
    }

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;

    private static long RoundUp(long value, int unit) => (value + unit - 1) / unit * unit;
}
