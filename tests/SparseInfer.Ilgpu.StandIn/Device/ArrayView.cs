using System.Runtime.CompilerServices;
using ILGPU.Runtime;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace ILGPU;

public interface IArrayView
{
    MemoryBuffer Buffer { get; }

    bool IsValid { get; }

    long Length { get; }

    int ElementSize { get; }

    long LengthInBytes { get; }
}

public interface IContiguousArrayView : IArrayView
{
    long Index { get; }

    long IndexInBytes { get; }

    ArrayView<byte> AsRawArrayView();
}

public interface IArrayView<T> : IArrayView
    where T : unmanaged
{
}

public interface IContiguousArrayView<T> : IArrayView<T>, IContiguousArrayView
    where T : unmanaged
{
}

/// <summary>A run of elements in device memory.</summary>
public readonly unsafe struct ArrayView<T> : IContiguousArrayView<T>
    where T : unmanaged
{
    public static readonly int ElementSize = Interop.SizeOf<T>();

    public static readonly ArrayView<T> Empty;

    internal readonly MemoryBlock? Block;
    internal readonly byte* Address;

    public ArrayView(MemoryBuffer source, long index, long length)
        : this(source.Block, source.Block.Address + (index * sizeof(T)), length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if ((index + length) * sizeof(T) > source.Block.Bytes)
            throw new ViewRangeException($"a view of elements {index} to {index + length} exceeds a buffer of {source.Block.Bytes} bytes");
    }

    internal ArrayView(MemoryBlock? block, byte* address, long length)
    {
        Block = block;
        Address = address;
        Length = length;
    }

    public long Length { get; }

    public int IntLength => checked((int)Length);

    public long LengthInBytes => Length * sizeof(T);

    public bool IsValid => Block is not null && Length > 0;

    public LongIndex1D Extent => new(Length);

    public Index1D IntExtent => new(IntLength);

    public Stride1D.Dense Stride => default;

    MemoryBuffer IArrayView.Buffer => Block?.Owner!;

    int IArrayView.ElementSize => ElementSize;

    long IContiguousArrayView.Index => IndexInBytes / sizeof(T);

    long IContiguousArrayView.IndexInBytes => IndexInBytes;

    internal long IndexInBytes => Block is null ? 0 : Address - Block.Address;

    public ref T this[Index1D index] => ref this[(long)index.X];

    public ref T this[LongIndex1D index] => ref this[index.X];

    public ref T this[int index] => ref this[(long)index];

    /// <summary>An element, from the host: in kernels the rewriter puts a check with more to say in its place.</summary>
    public ref T this[long index]
    {
        get
        {
            if ((ulong)index >= (ulong)Length)
                throw new ViewRangeException($"index {index} is outside a view of {Length} elements");
            Block!.ThrowIfFreed();
            Block.WrittenByHost(Address + (index * sizeof(T)), sizeof(T));
            return ref Unsafe.AsRef<T>(Address + (index * sizeof(T)));
        }
    }

    public ArrayView<T> SubView(long index) => SubView(index, Length - index);

    public ArrayView<T> SubView(int index, int subViewLength) => SubView((long)index, subViewLength);

    public ArrayView<T> SubView(long index, long subViewLength)
    {
        if ((index < 0 || index >= Length) && !(index == 0 && Length < 1))
            throw new ViewRangeException($"a sub-view starts at {index}, outside a view of {Length} elements");
        if (subViewLength < 0 || index + subViewLength > Length)
            throw new ViewRangeException($"a sub-view of {subViewLength} elements from {index} exceeds a view of {Length} elements");
        return new ArrayView<T>(Block, Address + (index * sizeof(T)), subViewLength);
    }

    /// <summary>The same memory as elements of another type.</summary>
    /// <exception cref="ViewRangeException">The view starts inside an element of the new type. (The package drops the
    /// remainder and reads elsewhere.)</exception>
    public ArrayView<TOther> Cast<TOther>()
        where TOther : unmanaged
    {
        if (Block is { IsShared: false } && IndexInBytes % sizeof(TOther) != 0)
        {
            throw new ViewRangeException(
                $"a view that starts {IndexInBytes} bytes into its buffer was cast to elements of {sizeof(TOther)} bytes: not a multiple");
        }

        return new ArrayView<TOther>(Block, Address, LengthInBytes / sizeof(TOther));
    }

    ArrayView<byte> IContiguousArrayView.AsRawArrayView() => new(Block, Address, LengthInBytes);

    public override string ToString() => $"{IndexInBytes / sizeof(T)} [{Length}]";

    public static implicit operator ArrayView1D<T, Stride1D.Dense>(ArrayView<T> view) => new(view, view.Extent, default);

    public static implicit operator ArrayView<T>(ArrayView1D<T, Stride1D.Dense> view) => view.BaseView.SubView(0, view.Length);
}
