namespace ILGPU.Runtime;

// The same copies for dense one-dimensional views, the buffers that have one, and page-locked memory.
public static unsafe partial class ArrayViewExtensions
{
    public static void MemSetToZero<T>(this ArrayView1D<T, Stride1D.Dense> view)
        where T : unmanaged => view.BaseView.MemSet(0);

    public static void MemSet<T>(this ArrayView1D<T, Stride1D.Dense> view, byte value)
        where T : unmanaged => view.BaseView.MemSet(value);

    public static void CopyTo<T>(this ArrayView1D<T, Stride1D.Dense> source, ArrayView1D<T, Stride1D.Dense> target)
        where T : unmanaged => source.BaseView.CopyTo(target.BaseView);

    public static void CopyFrom<T>(this ArrayView1D<T, Stride1D.Dense> target, ArrayView1D<T, Stride1D.Dense> source)
        where T : unmanaged => target.BaseView.CopyFrom(source.BaseView);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> source, ref T cpuData, long length)
        where T : unmanaged => source.BaseView.CopyToCPU(ref cpuData, length);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> target, ref T cpuData, long length)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref cpuData, length);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> view, T[] data)
        where T : unmanaged => view.BaseView.CopyToCPU(data);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> view, T[] data)
        where T : unmanaged => view.BaseView.CopyFromCPU(data);

    public static void CopyToCPU<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer, T[] data)
        where T : unmanaged => buffer.View.BaseView.CopyToCPU(data);

    public static void CopyFromCPU<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer, T[] data)
        where T : unmanaged => buffer.View.BaseView.CopyFromCPU(data);

    public static void CopyToPageLockedAsync<T>(this ArrayView1D<T, Stride1D.Dense> source, PageLockScope<T> pageLockScope)
        where T : unmanaged => source.BaseView.CopyToCPU(ref *(T*)pageLockScope.AddrOfLockedObject, pageLockScope.Length);

    public static void CopyFromPageLockedAsync<T>(this ArrayView1D<T, Stride1D.Dense> target, PageLockScope<T> pageLockScope)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref *(T*)pageLockScope.AddrOfLockedObject, pageLockScope.Length);

    public static void CopyToPageLockedAsync<T>(this ArrayView1D<T, Stride1D.Dense> source, PageLockedArray<T> pageLockedArray)
        where T : unmanaged => source.BaseView.CopyToCPU(ref pageLockedArray.Span[0], pageLockedArray.Length);

    public static void CopyFromPageLockedAsync<T>(this ArrayView1D<T, Stride1D.Dense> target, PageLockedArray<T> pageLockedArray)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref pageLockedArray.Span[0], pageLockedArray.Length);

    public static void MemSetToZero<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream)
        where T : unmanaged => view.BaseView.MemSet(0);

    public static void MemSet<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream, byte value)
        where T : unmanaged => view.BaseView.MemSet(value);

    public static void CopyTo<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        in ArrayView1D<T, Stride1D.Dense> target)
        where T : unmanaged => source.BaseView.CopyTo(target.BaseView);

    public static void CopyFrom<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        in ArrayView1D<T, Stride1D.Dense> source)
        where T : unmanaged => target.BaseView.CopyFrom(source.BaseView);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> source, AcceleratorStream stream, ref T cpuData, long length)
        where T : unmanaged => source.BaseView.CopyToCPU(ref cpuData, length);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> target, AcceleratorStream stream, ref T cpuData, long length)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref cpuData, length);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> source, AcceleratorStream stream, in Span<T> span)
        where T : unmanaged => source.BaseView.CopyToCPU(span);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> target, AcceleratorStream stream, in ReadOnlySpan<T> span)
        where T : unmanaged => target.BaseView.CopyFromCPU(span);

    public static void CopyToCPU<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream, T[] data)
        where T : unmanaged => view.BaseView.CopyToCPU(data);

    public static void CopyFromCPU<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream, T[] data)
        where T : unmanaged => view.BaseView.CopyFromCPU(data);

    public static void CopyToCPU<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer, AcceleratorStream stream, T[] data)
        where T : unmanaged => buffer.View.BaseView.CopyToCPU(data);

    public static void CopyFromCPU<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer, AcceleratorStream stream, T[] data)
        where T : unmanaged => buffer.View.BaseView.CopyFromCPU(data);

    public static void CopyToPageLockedAsync<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        PageLockScope<T> pageLockScope)
        where T : unmanaged => source.BaseView.CopyToCPU(ref *(T*)pageLockScope.AddrOfLockedObject, pageLockScope.Length);

    public static void CopyFromPageLockedAsync<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        PageLockScope<T> pageLockScope)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref *(T*)pageLockScope.AddrOfLockedObject, pageLockScope.Length);

    public static void CopyToPageLockedAsync<T>(
        this ArrayView1D<T, Stride1D.Dense> source,
        AcceleratorStream stream,
        PageLockedArray<T> pageLockedArray)
        where T : unmanaged => source.BaseView.CopyToCPU(ref pageLockedArray.Span[0], pageLockedArray.Length);

    public static void CopyFromPageLockedAsync<T>(
        this ArrayView1D<T, Stride1D.Dense> target,
        AcceleratorStream stream,
        PageLockedArray<T> pageLockedArray)
        where T : unmanaged => target.BaseView.CopyFromCPU(ref pageLockedArray.Span[0], pageLockedArray.Length);

    public static T[] GetAsArray1D<T>(this ArrayView1D<T, Stride1D.Dense> view)
        where T : unmanaged => view.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this ArrayView1D<T, Stride1D.Dense> view, AcceleratorStream stream)
        where T : unmanaged => view.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer)
        where T : unmanaged => buffer.View.BaseView.GetAsArray();

    public static T[] GetAsArray1D<T>(this MemoryBuffer<ArrayView1D<T, Stride1D.Dense>> buffer, AcceleratorStream stream)
        where T : unmanaged => buffer.View.BaseView.GetAsArray();
}
