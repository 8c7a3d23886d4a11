namespace SparseInfer.Generators.Declare;

/// <summary>What a plan has to know of a GPU.</summary>
/// <param name="Name">As it is declared and asked for.</param>
/// <param name="Architecture">CUDA's name of the instruction set: <c>sm_87</c>.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="SharedKilobytes">Shared memory of one multiprocessor, KiB. A group gets at most <see cref="DeviceTable.MaxSharedBytes"/>.</param>
/// <param name="ThreadsPerMultiprocessor">Most resident threads of one multiprocessor.</param>
/// <param name="Megahertz">Clock of the multiprocessors under load, MHz, from the vendor's data sheet.</param>
/// <param name="GigabytesPerSecond">Memory bandwidth, GB/s, from the vendor's data sheet.</param>
/// <param name="MemoryGigabytes">Memory, GB; on Jetson shared with the CPU.</param>
/// <param name="Integrated">Whether CPU and GPU share memory.</param>
internal sealed record DeviceTarget(
    string Name,
    string Architecture,
    int Multiprocessors,
    int SharedKilobytes,
    int ThreadsPerMultiprocessor,
    int Megahertz,
    double GigabytesPerSecond,
    double MemoryGigabytes,
    bool Integrated)
{
    /// <summary>Whether its tensor cores multiply halves in the form that kernels use (<c>mma.sync.m16n8k16</c>).</summary>
    public bool HasTensorCores => int.Parse(Architecture.Substring("sm_".Length), System.Globalization.CultureInfo.InvariantCulture) >= 80;

    /// <summary>Memory is sold in powers of two: a GB of it is a GiB.</summary>
    public long MemoryBytes => (long)(MemoryGigabytes * (1L << 30));
}
