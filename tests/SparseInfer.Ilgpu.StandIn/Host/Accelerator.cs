using System.Reflection;
using SparseInfer.Ilgpu.StandIn;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace ILGPU.Runtime;

/// <summary>A device that is in use.</summary>
public abstract class Accelerator : Util.DisposeBase
{
    private readonly HashSet<AcceleratorObject> _children = [];

    private protected Accelerator(Context context, Device device)
    {
        ArgumentNullException.ThrowIfNull(context);
        Context = context;
        Device = device;
        Control = new StandInControl(this);
        DefaultStream = new StandInStream(this);
        context.OnAcceleratorCreated(this);
    }

    public event EventHandler? Disposed;

    public Context Context { get; }

    public Device Device { get; }

    public AcceleratorStream DefaultStream { get; protected set; }

    public AcceleratorType AcceleratorType => Device.AcceleratorType;

    public IntPtr NativePtr { get; protected set; }

    public string Name => Device.Name;

    public long MemorySize => Device.MemorySize;

    public Index3D MaxGridSize => Device.MaxGridSize;

    public Index3D MaxGroupSize => Device.MaxGroupSize;

    public int MaxNumThreadsPerGroup => Device.MaxNumThreadsPerGroup;

    public int MaxSharedMemoryPerGroup => Device.MaxSharedMemoryPerGroup;

    public int MaxConstantMemory => Device.MaxConstantMemory;

    public int WarpSize => Device.WarpSize;

    public int NumMultiprocessors => Device.NumMultiprocessors;

    public int MaxNumThreadsPerMultiprocessor => Device.MaxNumThreadsPerMultiprocessor;

    public int MaxNumThreads => Device.MaxNumThreads;

    internal StandInControl Control { get; }

    public AcceleratorStream CreateStream()
    {
        VerifyNotDisposed();
        return new StandInStream(this);
    }

    public void Synchronize() => VerifyNotDisposed();

    public void Bind() => VerifyNotDisposed();

    public MemoryBuffer AllocateRaw(long length, int elementSize)
    {
        VerifyNotDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(elementSize, 1);
        return new DeviceMemory(this, length, elementSize);
    }

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length)
        where T : unmanaged
    {
        var memory = AllocateRaw(length, Interop.SizeOf<T>());
        return new MemoryBuffer1D<T, Stride1D.Dense>(this, new ArrayView<T>(memory, 0, length));
    }

    public PageLockScope<T> CreatePageLockFromPinned<T>(IntPtr pinned, long numElements)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        return new PinnedScope<T>(this, pinned, numElements);
    }

    public unsafe PageLockScope<T> CreatePageLockFromPinned<T>(T[] pinned)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(pinned);
        fixed (T* pointer = pinned)
            return CreatePageLockFromPinned<T>((IntPtr)pointer, pinned.Length);
    }

    public TDelegate LoadKernel<TDelegate>(MethodInfo method)
        where TDelegate : Delegate => LoadKernel<TDelegate>(method, KernelSpecialization.Empty);

    public TDelegate LoadKernel<TDelegate>(MethodInfo method, KernelSpecialization specialization)
        where TDelegate : Delegate => LoadKernel<TDelegate>(method, specialization, out _);

    public TDelegate LoadKernel<TDelegate>(MethodInfo method, KernelSpecialization specialization, out KernelInfo? kernelInfo)
        where TDelegate : Delegate
    {
        VerifyNotDisposed();
        ArgumentNullException.ThrowIfNull(method);
        kernelInfo = null;
        return Launcher.Create<TDelegate>(this, method, specialization);
    }

    public override string ToString() => Device.ToString();

    internal void Register(AcceleratorObject child)
    {
        VerifyNotDisposed();
        lock (_children)
            _children.Add(child);
    }

    internal void Forget(AcceleratorObject child)
    {
        lock (_children)
            _children.Remove(child);
    }

    protected sealed override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Disposed?.Invoke(this, EventArgs.Empty);
        AcceleratorObject[] children;
        lock (_children)
            children = [.. _children];
        foreach (var child in children)
            child.Dispose();
    }
}

/// <summary>What ILGPU may know of a compiled kernel; the stand-in tells nothing.</summary>
public sealed class KernelInfo
{
    private KernelInfo()
    {
    }

    public int? MinGroupSize { get; }

    public int? MinGridSize { get; }
}

/// <summary>Limits that a kernel is compiled for.</summary>
public readonly struct KernelSpecialization : IEquatable<KernelSpecialization>
{
    public static readonly KernelSpecialization Empty;

    public KernelSpecialization(int? maxNumThreadsPerGroup, int? minNumGroupsPerMultiprocessor)
    {
        if (maxNumThreadsPerGroup is { } threads)
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(maxNumThreadsPerGroup));
        if (minNumGroupsPerMultiprocessor is { } groups)
            ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1, nameof(minNumGroupsPerMultiprocessor));
        MaxNumThreadsPerGroup = maxNumThreadsPerGroup;
        MinNumGroupsPerMultiprocessor = minNumGroupsPerMultiprocessor;
    }

    public int? MaxNumThreadsPerGroup { get; }

    public int? MinNumGroupsPerMultiprocessor { get; }

    public bool IsCompatibleWith(Accelerator accelerator) =>
        MaxNumThreadsPerGroup is not { } threads || threads <= accelerator.MaxNumThreadsPerGroup;

    public bool Equals(KernelSpecialization other) => this == other;

    public override bool Equals(object? obj) => obj is KernelSpecialization other && this == other;

    public override int GetHashCode() => HashCode.Combine(MaxNumThreadsPerGroup, MinNumGroupsPerMultiprocessor);

    public static bool operator ==(KernelSpecialization first, KernelSpecialization second) =>
        first.MaxNumThreadsPerGroup == second.MaxNumThreadsPerGroup
        && first.MinNumGroupsPerMultiprocessor == second.MinNumGroupsPerMultiprocessor;

    public static bool operator !=(KernelSpecialization first, KernelSpecialization second) => !(first == second);
}
