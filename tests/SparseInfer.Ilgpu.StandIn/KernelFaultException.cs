namespace SparseInfer.Ilgpu.StandIn;

/// <summary>What a kernel did that a GPU would not forgive, or not tell.</summary>
public enum KernelFaultKind
{
    /// <summary>An element outside its view, or a view outside its memory.</summary>
    OutOfBounds,

    /// <summary>A wide element at an address that is not a multiple of its width.</summary>
    Misaligned,

    /// <summary>Not all lanes of a warp reached one shuffle.</summary>
    DivergentShuffle,

    /// <summary>Not all threads of a group reached one barrier.</summary>
    DivergentBarrier,

    /// <summary>A read of memory that nothing has written.</summary>
    UnwrittenRead,

    /// <summary>Two threads at one address, one of them writing, and no barrier between.</summary>
    Race,

    /// <summary>A negative number divided by a power of two, which ILGPU shifts, and so rounds the other way.</summary>
    NegativeDivision,

    /// <summary>A launch with sizes that a device cannot take.</summary>
    LaunchSize,

    /// <summary>More shared memory than a group has.</summary>
    SharedMemory,

    /// <summary>Memory that was freed.</summary>
    FreedMemory,

    /// <summary>The kernel is written in a way that the stand-in, or ILGPU, does not take.</summary>
    Rule,
}

/// <summary>A kernel was stopped because of what it did. The message says where.</summary>
public sealed class KernelFaultException : Exception
{
    internal KernelFaultException(string kernel, KernelFaultKind kind, string message, Exception? inner = null)
        : base($"Kernel {kernel}: {message}", inner)
    {
        Kernel = kernel;
        Kind = kind;
    }

    /// <summary>The kernel method's name.</summary>
    public string Kernel { get; }

    public KernelFaultKind Kind { get; }

    /// <summary>Where in the program: method, IL offset and member; empty for a fault of the launch itself.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>The group's place in the grid, or -1.</summary>
    public (int X, int Y, int Z) Group { get; init; } = (-1, -1, -1);

    /// <summary>The warp in its group, or -1.</summary>
    public int Warp { get; init; } = -1;

    /// <summary>The lane in its warp, or -1.</summary>
    public int Lane { get; init; } = -1;

    /// <summary>The element that was asked for, or -1.</summary>
    public long Index { get; init; } = -1;

    /// <summary>The elements that there are, or -1.</summary>
    public long Length { get; init; } = -1;
}
