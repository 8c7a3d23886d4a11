using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>Sizes of a grid or a group.</summary>
internal readonly record struct Size3(int X, int Y, int Z)
{
    public long Count => (long)X * Y * Z;
}

/// <summary>A kernel and what it is launched with. The sizes were checked against the device's limits.</summary>
/// <param name="Function">The kernel.</param>
/// <param name="Grid">Groups.</param>
/// <param name="Group">Threads of a group.</param>
/// <param name="DynamicSharedBytes">Shared memory beyond what the kernel declares.</param>
/// <param name="Parameters">All parameters, at the places that the kernel declares.</param>
internal sealed record Launch(PtxFunction Function, Size3 Grid, Size3 Group, int DynamicSharedBytes, byte[] Parameters)
{
    /// <summary>Executes it, to its end.</summary>
    /// <param name="memory">What its addresses lead to.</param>
    /// <param name="options">How.</param>
    /// <returns>What was counted; null where <see cref="LaunchOptions.CountAccesses"/> is not set.</returns>
    /// <exception cref="KernelFaultException">A lane did what a device would not forgive, or not tell.</exception>
    public LaunchCounters? Execute(DeviceMemory memory, LaunchOptions options) => throw new NotImplementedException();
}

/// <summary>How launches are executed.</summary>
internal sealed record LaunchOptions
{
    /// <summary>Whether accesses and instructions are counted. Slower.</summary>
    public bool CountAccesses { get; init; }

    /// <summary>Whether races and reads of what nobody wrote are looked for. Slower.</summary>
    public bool CheckRaces { get; init; } = true;

    /// <summary>Threads that execute groups.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;
}
