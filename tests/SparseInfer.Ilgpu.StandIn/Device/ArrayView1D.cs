namespace ILGPU.Runtime;

/// <summary>A one-dimensional view with a stride; only the dense one is offered here.</summary>
public readonly struct ArrayView1D<T, TStride>(ArrayView<T> baseView, LongIndex1D extent, TStride stride) : IArrayView<T>
    where T : unmanaged
    where TStride : struct, IStride1D
{
    public static readonly int ElementSize = ArrayView<T>.ElementSize;

    public static readonly ArrayView1D<T, TStride> Empty;

    public ArrayView<T> BaseView { get; } = baseView;

    public LongIndex1D Extent { get; } = extent;

    public Index1D IntExtent => Extent.ToIntIndex();

    public TStride Stride { get; } = stride;

    public bool IsValid => BaseView.IsValid;

    public long Length => Extent.X;

    public int IntLength => checked((int)Length);

    public long LengthInBytes => Length * ElementSize;

    MemoryBuffer IArrayView.Buffer => ((IArrayView)BaseView).Buffer;

    int IArrayView.ElementSize => ElementSize;

    public ref T this[Index1D index] => ref BaseView[index];

    public ref T this[LongIndex1D index] => ref BaseView[index];

    public ArrayView1D<T, TStride> SubView(Index1D index, Index1D extent) => SubView(index.ToLongIndex(), extent.ToLongIndex());

    public ArrayView1D<T, TStride> SubView(LongIndex1D index, LongIndex1D extent) =>
        new(BaseView.SubView(index.X, extent.X), extent, Stride);

    public ArrayView<T> AsContiguous() => BaseView;

    public override string ToString() => BaseView.ToString();
}
