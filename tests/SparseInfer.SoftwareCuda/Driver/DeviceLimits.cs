namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>What a multiprocessor of an architecture holds at once, from NVIDIA's table of technical specifications per compute capability.</summary>
/// <param name="Threads">Threads.</param>
/// <param name="Groups">Groups.</param>
/// <param name="SharedBytes">Shared memory.</param>
/// <param name="ReservedSharedBytes">Shared memory that each group takes beside its own.</param>
internal sealed record DeviceLimits(int Threads, int Groups, int SharedBytes, int ReservedSharedBytes)
{
    public const int WarpSize = 32;
    public const int GroupThreads = 1024;
    public const int GroupZ = 64;
    public const int GridX = int.MaxValue;
    public const int GridYZ = 65535;
    public const int GroupSharedBytes = 48 * 1024;
    public const int Registers = 65536;
    public const int RegistersPerThread = 255;

    /// <summary>Registers are given to warps in this unit.</summary>
    public const int RegisterUnit = 256;

    /// <summary>Warps of a group are given registers in this unit.</summary>
    public const int WarpUnit = 4;

    /// <summary>Shared memory is given in this unit.</summary>
    public const int SharedUnit = 128;

    /// <summary>Those of an architecture: 87 for sm_87. One between two of the table is like the earlier.</summary>
    public static DeviceLimits Of(int architecture) => architecture switch
    {
        < 70 => new(2048, 32, 64 * 1024, 0),
        < 75 => new(2048, 32, 96 * 1024, 0),
        < 80 => new(1024, 16, 64 * 1024, 0),
        < 86 => new(2048, 32, 164 * 1024, 1024),
        86 => new(1536, 16, 100 * 1024, 1024),
        87 or 88 => new(1536, 16, 164 * 1024, 1024),
        89 => new(1536, 24, 100 * 1024, 1024),
        < 120 => new(2048, 32, 228 * 1024, 1024),
        _ => new(1536, 24, 100 * 1024, 1024),
    };
}
