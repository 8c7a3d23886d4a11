namespace ILGPU.Runtime;

/// <summary>Host memory that the device may reach.</summary>
public abstract class PageLockScope<T> : AcceleratorObject
    where T : unmanaged
{
    private protected PageLockScope(Accelerator accelerator, long numElements)
        : base(accelerator)
    {
        Length = numElements;
    }

    public IntPtr AddrOfLockedObject { get; protected set; }

    public long Length { get; }

    public long LengthInBytes => Length * Interop.SizeOf<T>();
}

internal sealed class PinnedScope<T> : PageLockScope<T>
    where T : unmanaged
{
    public PinnedScope(Accelerator accelerator, IntPtr pointer, long length)
        : base(accelerator, length)
    {
        AddrOfLockedObject = pointer;
    }

    protected override void DisposeAcceleratorObject(bool disposing)
    {
    }
}

/// <summary>An array that stays where it is.</summary>
public abstract class PageLockedArray<T> : Util.DisposeBase
    where T : unmanaged
{
    public abstract Span<T> Span { get; }

    public ArrayView<T> ArrayView { get; private set; }

    public long Length => Span.Length;

    internal PageLockScope<T>? Scope { get; private set; }

    private MemoryBuffer? Memory { get; set; }

    public Span<T>.Enumerator GetEnumerator() => Span.GetEnumerator();

    private protected void Initialize(Accelerator accelerator, IntPtr pointer, long length)
    {
        if (length == 0)
            return;
        Memory = new DeviceMemory(accelerator, pointer, length, Interop.SizeOf<T>());
        ArrayView = new ArrayView<T>(Memory, 0, length);
        Scope = accelerator.CreatePageLockFromPinned<T>(pointer, length);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Memory?.Dispose();
        Scope?.Dispose();
    }
}

/// <summary>A one-dimensional array that stays where it is.</summary>
public sealed unsafe class PageLockedArray1D<T> : PageLockedArray<T>
    where T : unmanaged
{
    private readonly T[] _array;

    internal PageLockedArray1D(Accelerator accelerator, LongIndex1D extent, bool uninitialized)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(extent.X, nameof(extent));
        int length = checked((int)extent.X);
        _array = uninitialized ? GC.AllocateUninitializedArray<T>(length, true) : GC.AllocateArray<T>(length, true);
        fixed (T* pointer = _array)
            Initialize(accelerator, (IntPtr)pointer, length);
    }

    public LongIndex1D Extent => _array.LongLength;

    public override Span<T> Span => _array;

    public ref T this[int index] => ref _array[index];

    public ref T this[long index] => ref _array[index];

    public T[] GetArray() => _array;
}

public static class PageLockedArrayExtensions
{
    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, LongIndex1D extent)
        where T : unmanaged => new(accelerator, extent, false);

    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, LongIndex1D extent, bool uninitialized)
        where T : unmanaged => new(accelerator, extent, uninitialized);
}
