using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// What a launch takes beside being launched: modelled, never measured. The slower of what moves its bytes and what issues its instructions.
/// The constants are derived of simulated kernels: docs/gpu-cost-model.md.
/// </summary>
internal static class KernelTime
{
    /// <summary>Share of a memory's peak bandwidth that kernels get which all multiprocessors work at.</summary>
    public const double BandwidthEfficiency = 0.85;

    /// <summary>Microseconds of a launch: 5000 cycles at 1300 MHz.</summary>
    public const double LaunchMicroseconds = 5000 / 1300.0;

    /// <summary>Bytes that one multiprocessor draws in a cycle at most, whatever the memory has.</summary>
    public const double BytesPerCycle = 14;

    /// <summary>Instructions of a warp that a multiprocessor issues in a cycle: one a scheduler.</summary>
    private const double IssuedPerCycle = 4;

    /// <summary>Microseconds in which so many multiprocessors move bytes.</summary>
    /// <param name="active">Multiprocessors that have a group.</param>
    public static double Move(DeviceTarget target, double bytes, int active)
    {
        double device = target.GigabytesPerSecond * BandwidthEfficiency * 1e3;
        double multiprocessors = Math.Min(active, target.Multiprocessors) * BytesPerCycle * target.Megahertz;
        return bytes / Math.Min(device, multiprocessors);
    }

    /// <summary>Microseconds in which all multiprocessors issue what rows of weights want.</summary>
    /// <param name="bytes">Bytes of the rows.</param>
    /// <param name="perLoad">Instructions of a warp for each load.</param>
    public static double Issue(DeviceTarget target, double bytes, double perLoad) =>
        bytes / (16 * RowPlan.Lanes) * perLoad / (IssuedPerCycle * target.Multiprocessors * target.Megahertz);
}
