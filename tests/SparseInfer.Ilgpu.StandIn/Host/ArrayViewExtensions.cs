using System.Runtime.InteropServices;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace ILGPU.Runtime;

/// <summary>Copies between host and device, and views of views.</summary>
public static unsafe partial class ArrayViewExtensions
{
    public static bool HasNoData<TView>(this TView view)
        where TView : IArrayView => !view.IsValid || view.Length < 1;

    public static bool HasData<TView>(this TView view)
        where TView : IArrayView => view.IsValid && view.Length > 0;

    public static Accelerator GetAccelerator<TView>(this TView view)
        where TView : IArrayView =>
        view.Buffer?.Accelerator ?? throw new InvalidOperationException("The view belongs to no accelerator.");

    public static IntPtr LoadEffectiveAddressAsPtr<T>(this ArrayView<T> view)
        where T : unmanaged => (IntPtr)view.Address;

    public static ArrayView<T> AsAligned<T>(this ArrayView<T> view, int alignmentInBytes)
        where T : unmanaged
    {
        if ((nint)view.Address % alignmentInBytes != 0)
            throw new ViewRangeException($"a view was taken as aligned to {alignmentInBytes} bytes and is not");
        return view;
    }

    public static ArrayView1D<T, Stride1D.Dense> AsAligned<T>(this ArrayView1D<T, Stride1D.Dense> view, int alignmentInBytes)
        where T : unmanaged => view.BaseView.AsAligned(alignmentInBytes);

    public static ArrayView1D<T, Stride1D.Dense> AsDense<T>(this ArrayView<T> view)
        where T : unmanaged => view;

    public static ArrayView1D<TOther, Stride1D.Dense> Cast<T, TOther>(this ArrayView1D<T, Stride1D.Dense> view)
        where T : unmanaged
        where TOther : unmanaged => view.BaseView.Cast<TOther>();

    public static void MemSetToZero<TView>(this TView view)
        where TView : IContiguousArrayView => view.MemSet(0);

    public static void MemSetToZero<TView>(this TView view, AcceleratorStream stream)
        where TView : IContiguousArrayView => view.MemSet(stream, 0);

    public static void MemSet<TView>(this TView view, byte value)
        where TView : IContiguousArrayView => view.MemSet(view.GetAccelerator().DefaultStream, value);

    public static void MemSet<TView>(this TView view, AcceleratorStream stream, byte value)
        where TView : IContiguousArrayView
    {
        var raw = view.AsRawArrayView();
        raw.Block!.Fill(raw.Address, raw.Length, value);
    }

    public static void CopyTo<TView>(this TView source, in TView target)
        where TView : IContiguousArrayView => MemoryBlock.Copy(source.AsRawArrayView(), target.AsRawArrayView());

    public static void CopyTo<TView>(this TView source, AcceleratorStream stream, in TView target)
        where TView : IContiguousArrayView => MemoryBlock.Copy(source.AsRawArrayView(), target.AsRawArrayView());

    public static void CopyFrom<TView>(this TView target, in TView source)
        where TView : IContiguousArrayView => MemoryBlock.Copy(source.AsRawArrayView(), target.AsRawArrayView());

    public static void CopyFrom<TView>(this TView target, AcceleratorStream stream, in TView source)
        where TView : IContiguousArrayView => MemoryBlock.Copy(source.AsRawArrayView(), target.AsRawArrayView());

    public static void CopyToCPUUnsafeAsync<T, TView>(this TView source, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => source.CopyToCPU(ref cpuData, length);

    public static void CopyToCPUUnsafeAsync<T, TView>(this TView source, AcceleratorStream stream, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => source.CopyToCPU(ref cpuData, length);

    public static void CopyFromCPUUnsafeAsync<T, TView>(this TView target, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => target.CopyFromCPU(ref cpuData, length);

    public static void CopyFromCPUUnsafeAsync<T, TView>(this TView target, AcceleratorStream stream, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => target.CopyFromCPU(ref cpuData, length);

    public static void CopyToCPU<T, TView>(this TView source, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        fixed (T* pointer = &cpuData)
            MemoryBlock.CopyOut(source.AsRawArrayView(), pointer, length * sizeof(T));
    }

    public static void CopyToCPU<T, TView>(this TView source, AcceleratorStream stream, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => source.CopyToCPU(ref cpuData, length);

    public static void CopyFromCPU<T, TView>(this TView target, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        fixed (T* pointer = &cpuData)
            MemoryBlock.CopyIn(pointer, length * sizeof(T), target.AsRawArrayView());
    }

    public static void CopyFromCPU<T, TView>(this TView target, AcceleratorStream stream, ref T cpuData, long length)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => target.CopyFromCPU(ref cpuData, length);

    public static void CopyToCPU<T, TView>(this TView source, in Span<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => source.CopyToCPU(ref MemoryMarshal.GetReference(span), span.Length);

    public static void CopyToCPU<T, TView>(this TView source, AcceleratorStream stream, in Span<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => source.CopyToCPU(ref MemoryMarshal.GetReference(span), span.Length);

    public static void CopyFromCPU<T, TView>(this TView target, in ReadOnlySpan<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => target.CopyFromCPU(ref MemoryMarshal.GetReference(span), span.Length);

    public static void CopyFromCPU<T, TView>(this TView target, AcceleratorStream stream, in ReadOnlySpan<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged => target.CopyFromCPU(ref MemoryMarshal.GetReference(span), span.Length);

    public static void CopyToCPU<T>(this ArrayView<T> view, T[] data)
        where T : unmanaged => view.CopyToCPU(data.AsSpan());

    public static void CopyToCPU<T>(this ArrayView<T> view, AcceleratorStream stream, T[] data)
        where T : unmanaged => view.CopyToCPU(data.AsSpan());

    public static void CopyFromCPU<T>(this ArrayView<T> view, T[] data)
        where T : unmanaged => view.CopyFromCPU((ReadOnlySpan<T>)data);

    public static void CopyFromCPU<T>(this ArrayView<T> view, AcceleratorStream stream, T[] data)
        where T : unmanaged => view.CopyFromCPU((ReadOnlySpan<T>)data);

    public static T[] GetAsArray<T>(this ArrayView<T> view)
        where T : unmanaged
    {
        var data = new T[view.Length];
        if (data.Length > 0)
            view.CopyToCPU(data);
        return data;
    }

    public static T[] GetAsArray<T>(this ArrayView<T> view, AcceleratorStream stream)
        where T : unmanaged => view.GetAsArray();

    public static MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(this Accelerator accelerator, T[] data)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(data);
        var buffer = accelerator.Allocate1D<T>(data.LongLength);
        if (data.Length > 0)
            buffer.AsContiguous().CopyFromCPU(data);
        return buffer;
    }

    public static MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(this Accelerator accelerator, AcceleratorStream stream, T[] data)
        where T : unmanaged => accelerator.Allocate1D(data);
}
