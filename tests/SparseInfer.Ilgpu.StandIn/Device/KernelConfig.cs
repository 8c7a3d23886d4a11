namespace ILGPU;

/// <summary>Size of a launch: groups in the grid, threads in a group, dynamic shared memory.</summary>
public readonly struct KernelConfig
{
    public KernelConfig(Index1D gridDim, Index1D groupDim)
        : this(gridDim, groupDim, default)
    {
    }

    public KernelConfig(Index1D gridDim, Index1D groupDim, SharedMemoryConfig sharedMemoryConfig)
        : this(new Index3D(gridDim.X, 1, 1), new Index3D(groupDim.X, 1, 1), sharedMemoryConfig)
    {
    }

    public KernelConfig(Index2D gridDim, Index2D groupDim)
        : this(gridDim, groupDim, default)
    {
    }

    public KernelConfig(Index2D gridDim, Index2D groupDim, SharedMemoryConfig sharedMemoryConfig)
        : this(new Index3D(gridDim.X, gridDim.Y, 1), new Index3D(groupDim.X, groupDim.Y, 1), sharedMemoryConfig)
    {
    }

    public KernelConfig(Index3D gridDim, Index3D groupDim)
        : this(gridDim, groupDim, default)
    {
    }

    public KernelConfig(int gridDimX, int gridDimY, int gridDimZ, int groupDimX, int groupDimY, int groupDimZ)
        : this(new Index3D(gridDimX, gridDimY, gridDimZ), new Index3D(groupDimX, groupDimY, groupDimZ), default)
    {
    }

    public KernelConfig(Index3D gridDim, Index3D groupDim, SharedMemoryConfig sharedMemoryConfig)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(gridDim.LongSize, nameof(gridDim));
        ArgumentOutOfRangeException.ThrowIfNegative(groupDim.LongSize, nameof(groupDim));
        GridDim = gridDim;
        GroupDim = groupDim;
        SharedMemoryConfig = sharedMemoryConfig;
    }

    public Index3D GridDim { get; }

    public Index3D GroupDim { get; }

    public SharedMemoryConfig SharedMemoryConfig { get; }

    public bool UsesDynamicSharedMemory => SharedMemoryConfig.UsesDynamicSharedMemory;

    public bool IsValid => GridDim is { X: > 0, Y: > 0, Z: > 0 } && GroupDim is { X: > 0, Y: > 0, Z: > 0 };

    public long Size => GridDim.LongSize * GroupDim.LongSize;

    public static implicit operator KernelConfig((Index1D, Index1D) dimensions) => new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index3D, Index1D) dimensions) =>
        new(dimensions.Item1, new Index3D(dimensions.Item2, 1, 1));

    public static implicit operator KernelConfig((Index3D, Index2D) dimensions) =>
        new(dimensions.Item1, new Index3D(dimensions.Item2, 1));

    public static implicit operator KernelConfig((Index2D, Index2D) dimensions) => new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index3D, Index3D) dimensions) => new(dimensions.Item1, dimensions.Item2);

    public static implicit operator KernelConfig((Index1D, Index1D, SharedMemoryConfig) dimensions) =>
        new(dimensions.Item1, dimensions.Item2, dimensions.Item3);

    public static implicit operator KernelConfig((Index3D, Index3D, SharedMemoryConfig) dimensions) =>
        new(dimensions.Item1, dimensions.Item2, dimensions.Item3);
}

/// <summary>Dynamic shared memory of a launch.</summary>
public readonly struct SharedMemoryConfig
{
    public static readonly SharedMemoryConfig Empty;

    public SharedMemoryConfig(int numElements, int elementSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        ArgumentOutOfRangeException.ThrowIfNegative(elementSize);
        NumElements = numElements;
        ElementSize = elementSize;
    }

    public int NumElements { get; }

    public int ElementSize { get; }

    public int ArraySize => NumElements * ElementSize;

    public bool UsesDynamicSharedMemory => NumElements > 0 && ElementSize > 0;

    public static SharedMemoryConfig RequestDynamic<T>(int numElements)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numElements, 1);
        return new SharedMemoryConfig(numElements, Interop.SizeOf<T>());
    }
}
