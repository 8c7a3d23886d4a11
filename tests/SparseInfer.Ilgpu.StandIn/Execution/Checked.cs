using System.ComponentModel;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>What rewritten kernels call in the place of a view's elements.</summary>
/// <remarks>The mask of an access is its alignment less one. The block that a store goes to is kept as an object by the
/// rewritten code until the value is known: only then is the store noted, so that the reads its value needs come first.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static unsafe class Checked
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Load<T>(scoped ref ArrayView<T> view, long index, Lane lane, int site, int mask)
        where T : unmanaged
    {
        byte* address = Locate(ref view, index, lane, site, mask);
        if (view.Block!.ChecksReads)
            lane.Read(view.Block, address, sizeof(T), index, view.Length, site);
        return ref *(T*)address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Load1D<T>(scoped ref ArrayView1D<T, Stride1D.Dense> view, long index, Lane lane, int site, int mask)
        where T : unmanaged
    {
        var dense = view.BaseView;
        return ref Load(ref dense, index, lane, site, mask);
    }

    /// <summary>A load of one field of an element.</summary>
    public static ref T LoadPart<T>(scoped ref ArrayView<T> view, long index, Lane lane, int site, int mask, int offset, int bytes)
        where T : unmanaged
    {
        byte* address = Locate(ref view, index, lane, site, 0);
        if (((nuint)(address + offset) & (nuint)mask) != 0)
            lane.Misaligned(address + offset, mask, bytes, index, view.Length, site);
        if (view.Block!.ChecksReads)
            lane.Read(view.Block, address + offset, bytes, index, view.Length, site);
        return ref *(T*)address;
    }

    public static ref T LoadPart1D<T>(
        scoped ref ArrayView1D<T, Stride1D.Dense> view,
        long index,
        Lane lane,
        int site,
        int mask,
        int offset,
        int bytes)
        where T : unmanaged
    {
        var dense = view.BaseView;
        return ref LoadPart(ref dense, index, lane, site, mask, offset, bytes);
    }

    /// <summary>The address of a store that is to come.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref T Prepare<T>(scoped ref ArrayView<T> view, long index, Lane lane, int site, int mask, out object block)
        where T : unmanaged
    {
        byte* address = Locate(ref view, index, lane, site, mask);
        block = view.Block!;
        return ref *(T*)address;
    }

    public static ref T Prepare1D<T>(
        scoped ref ArrayView1D<T, Stride1D.Dense> view,
        long index,
        Lane lane,
        int site,
        int mask,
        out object block)
        where T : unmanaged
    {
        var dense = view.BaseView;
        return ref Prepare(ref dense, index, lane, site, mask, out block);
    }

    /// <summary>A load, and the address of a store that is to come.</summary>
    public static ref T LoadAndPrepare<T>(scoped ref ArrayView<T> view, long index, Lane lane, int site, int mask, out object block)
        where T : unmanaged
    {
        block = view.Block!;
        return ref Load(ref view, index, lane, site, mask);
    }

    public static ref T LoadAndPrepare1D<T>(
        scoped ref ArrayView1D<T, Stride1D.Dense> view,
        long index,
        Lane lane,
        int site,
        int mask,
        out object block)
        where T : unmanaged
    {
        var dense = view.BaseView;
        return ref LoadAndPrepare(ref dense, index, lane, site, mask, out block);
    }

    /// <summary>Notes a store of all or a part of an element, right before it.</summary>
    public static void Store<T>(ref T target, object block, Lane lane, int site)
        where T : unmanaged =>
        lane.Write(Unsafe.As<MemoryBlock>(block), (byte*)Unsafe.AsPointer(ref target), sizeof(T), site);

    /// <summary>A division by a power of two, of which ILGPU makes an arithmetic shift, signed or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Divide(int dividend, int divisor, Lane lane, int site)
    {
        if (dividend < 0)
            lane.NegativeDivision(dividend, divisor, site);
        return dividend / divisor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Divide(long dividend, long divisor, Lane lane, int site)
    {
        if (dividend < 0)
            lane.NegativeDivision(dividend, divisor, site);
        return dividend / divisor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FromIndex(Index1D index) => index.X;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FromIndex(LongIndex1D index) => index.X;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Locate<T>(scoped ref ArrayView<T> view, long index, Lane lane, int site, int mask)
        where T : unmanaged
    {
        if ((ulong)index >= (ulong)view.Length)
            lane.OutOfBounds(index, view.Length, site);
        byte* address = view.Address + (index * sizeof(T));
        if (((nuint)address & (nuint)mask) != 0)
            lane.Misaligned(address, mask, sizeof(T), index, view.Length, site);
        return address;
    }
}
