namespace SparseInfer.SoftwareCuda;

/// <summary>What a kernel did that a GPU would not forgive, or not tell.</summary>
public enum KernelFaultKind
{
    /// <summary>An address outside of every allocation, or outside of shared memory.</summary>
    OutOfBounds,

    /// <summary>An address that is no multiple of the access's width.</summary>
    Misaligned,

    /// <summary>An address in a buffer that was freed.</summary>
    FreedMemory,

    /// <summary>Not all living lanes of a warp came to one shuffle.</summary>
    DivergentShuffle,

    /// <summary>Not all threads of a group came to one barrier.</summary>
    DivergentBarrier,

    /// <summary>A register was read that nothing had written.</summary>
    UninitializedRegister,

    /// <summary>Shared memory was read that nobody had written.</summary>
    UnwrittenShared,

    /// <summary>Global memory was read that nobody had written.</summary>
    UnwrittenGlobal,

    /// <summary>Two lanes at one address of shared memory, one of them writing, and no barrier between.</summary>
    SharedRace,

    /// <summary>Two lanes at one address of global memory, one of them writing, and nothing that orders them.</summary>
    GlobalRace,

    /// <summary>A warp executed more instructions than a launch may: <c>InstructionLimit</c>.</summary>
    NoProgress,

    /// <summary>The kernel executed <c>trap</c>.</summary>
    Trap,
}

/// <summary>A kernel was stopped because of what it did. The message says where.</summary>
public sealed class KernelFaultException : Exception
{
    internal KernelFaultException(string kernel, KernelFaultKind kind, string message)
        : base($"Kernel {kernel}: {message}")
    {
        Kernel = kernel;
        Kind = kind;
    }

    /// <summary>The kernel method's name: <c>SignBit</c>.</summary>
    public string Kernel { get; }

    /// <summary>What it did.</summary>
    public KernelFaultKind Kind { get; }

    /// <summary>The instruction's line in the module's PTX, from 1.</summary>
    public int Line { get; init; }

    /// <summary>The instruction, as it is written there.</summary>
    public string Instruction { get; init; } = "";

    /// <summary>Where that comes from, <c>File.cs:12</c>, if the PTX has it (<c>.loc</c>); else null.</summary>
    public string? SourceLine { get; init; }

    /// <summary>The group's place in the grid.</summary>
    public (int X, int Y, int Z) Group { get; init; }

    /// <summary>The warp in its group.</summary>
    public int Warp { get; init; }

    /// <summary>The lane in its warp.</summary>
    public int Lane { get; init; }

    /// <summary>The address, if it was an access's.</summary>
    public long Address { get; init; }
}
