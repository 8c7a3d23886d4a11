using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How many groups a multiprocessor holds at a time, and how long the busiest one takes for its share of a launch.</summary>
internal static class Occupancy
{
    private const int RegistersPerMultiprocessor = 65536;

    /// <summary>Registers are given to a warp in pieces of so many.</summary>
    private const int RegisterUnit = 256;

    /// <summary>Schedulers of a multiprocessor: each has a quarter of the registers, so that warps come in fours.</summary>
    private const int Schedulers = 4;

    /// <summary>Most groups of a multiprocessor, on the architectures that allow fewest.</summary>
    private const int MaxGroups = 16;

    /// <summary>Shared memory that the system takes of each group's.</summary>
    private const int ReservedBytes = 1024;

    /// <summary>
    /// Warps of a multiprocessor that keep it busy while others wait for memory. Derived: in a simulation (docs/gpu-cost-model.md) a group of
    /// four warps alone took 100,610 cycles, five such groups together 170,551: three times its share.
    /// </summary>
    private const double BusyWarps = 12;

    /// <summary>Groups that a multiprocessor holds at a time; at least one.</summary>
    /// <param name="threads">Threads of a group; a multiple of 32.</param>
    /// <param name="sharedBytes">Shared memory of a group.</param>
    /// <param name="registers">Registers of a thread.</param>
    public static int Groups(DeviceTarget target, int threads, int sharedBytes, int registers)
    {
        int warps = threads / RowPlan.Lanes;
        int ofWarp = ((registers * RowPlan.Lanes) + RegisterUnit - 1) / RegisterUnit * RegisterUnit;
        int byRegisters = RegistersPerMultiprocessor / ofWarp / Schedulers * Schedulers / warps;
        int byThreads = target.ThreadsPerMultiprocessor / threads;
        int byShared = target.SharedKilobytes * 1024 / (sharedBytes + ReservedBytes);
        return Math.Max(1, Math.Min(Math.Min(byRegisters, byThreads), Math.Min(byShared, MaxGroups)));
    }

    /// <summary>
    /// Time of the busiest multiprocessor, in times of one group with many beside it: full waves of groups, and what is left in the last.
    /// </summary>
    /// <param name="groups">Groups of the launch.</param>
    /// <param name="resident">Groups that a multiprocessor holds at a time.</param>
    /// <param name="warps">Warps of a group.</param>
    public static double Waves(int groups, int multiprocessors, int resident, int warps)
    {
        int wave = multiprocessors * resident;
        int full = groups / wave;
        int rest = ((groups % wave) + multiprocessors - 1) / multiprocessors;
        return (full * Busy(resident)) + (rest == 0 ? 0 : Busy(rest));

        double Busy(int together) => Math.Max(together, BusyWarps / warps);
    }
}
