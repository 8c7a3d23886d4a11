using SparseInfer.Ilgpu.StandIn.Execution;

namespace ILGPU.Runtime;

/// <summary>Device memory with an owner.</summary>
public abstract unsafe class MemoryBuffer : AcceleratorObject
{
    private protected MemoryBuffer(Accelerator accelerator, long length, int elementSize)
        : base(accelerator)
    {
        Length = length;
        ElementSize = elementSize;
    }

    public IntPtr NativePtr { get; protected set; }

    public long Length { get; }

    public int ElementSize { get; }

    public long LengthInBytes => Length * ElementSize;

    internal abstract MemoryBlock Block { get; }

    public void MemSet(AcceleratorStream stream, byte value, long targetOffsetInBytes, long length)
    {
        if (length == 0)
            return;
        var view = AsRawArrayView(targetOffsetInBytes, length);
        view.Block!.Fill(view.Address, length, value);
    }

    public void CopyTo(AcceleratorStream stream, long sourceOffsetInBytes, in ArrayView<byte> targetView)
    {
        if (targetView.IsValid)
            MemoryBlock.Copy(AsRawArrayView(sourceOffsetInBytes, targetView.Length), targetView);
    }

    public void CopyFrom(AcceleratorStream stream, in ArrayView<byte> sourceView, long targetOffsetInBytes)
    {
        if (sourceView.IsValid)
            MemoryBlock.Copy(sourceView, AsRawArrayView(targetOffsetInBytes, sourceView.Length));
    }

    public ArrayView<byte> AsRawArrayView() => AsRawArrayView(0L, LengthInBytes);

    public ArrayView<byte> AsRawArrayView(long offsetInBytes) => AsRawArrayView(offsetInBytes, LengthInBytes - offsetInBytes);

    public ArrayView<byte> AsRawArrayView(long offsetInBytes, long lengthInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetInBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthInBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthInBytes, LengthInBytes - offsetInBytes);
        return new ArrayView<byte>(this, offsetInBytes, lengthInBytes);
    }

    public ArrayView<T> AsArrayView<T>(long offset, long length)
        where T : unmanaged
    {
        if (sizeof(T) != ElementSize)
            throw new NotSupportedException($"The buffer's elements have {ElementSize} bytes, {typeof(T).Name} has {sizeof(T)}.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new ArrayView<T>(this, offset, length);
    }
}

/// <summary>The memory itself.</summary>
internal sealed unsafe class DeviceMemory : MemoryBuffer
{
    private readonly MemoryBlock _block;

    public DeviceMemory(Accelerator accelerator, long length, int elementSize)
        : base(accelerator, length, elementSize)
    {
        accelerator.Control.Charge(LengthInBytes);
        _block = MemoryBlock.Allocate(this, LengthInBytes);
        NativePtr = (IntPtr)_block.Address;
    }

    /// <summary>Host memory that the device reads and writes where it lies.</summary>
    public DeviceMemory(Accelerator accelerator, IntPtr pointer, long length, int elementSize)
        : base(accelerator, length, elementSize)
    {
        _block = MemoryBlock.Map(this, (byte*)pointer, LengthInBytes);
        NativePtr = pointer;
    }

    internal override MemoryBlock Block => _block;

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        if (_block is null)
            return;
        if (_block.OwnsMemory)
            Accelerator.Control.Charge(-LengthInBytes);
        _block.Free();
        NativePtr = 0;
    }
}

/// <summary>Device memory seen through one view of all of it.</summary>
public class MemoryBuffer<TView> : MemoryBuffer, IContiguousArrayView
    where TView : struct, IArrayView
{
    private protected MemoryBuffer(Accelerator accelerator, in TView view)
        : base(accelerator, view.Length, view.ElementSize)
    {
        View = view;
        Buffer = view.Buffer;
        NativePtr = Buffer.NativePtr;
    }

    public TView View { get; private set; }

    public bool IsValid => !IsDisposed;

    MemoryBuffer IArrayView.Buffer => Buffer;

    long IContiguousArrayView.Index => 0;

    long IContiguousArrayView.IndexInBytes => 0;

    internal override MemoryBlock Block => Buffer.Block;

    private protected MemoryBuffer Buffer { get; }

    public TView ToArrayView() => View;

    public static implicit operator TView(MemoryBuffer<TView> buffer) => buffer.View;

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        if (!disposing)
            return;
        Buffer.Dispose();
        NativePtr = 0;
        View = default;
    }
}

/// <summary>One-dimensional device memory.</summary>
public class MemoryBuffer1D<T, TStride> : MemoryBuffer<ArrayView1D<T, TStride>>
    where T : unmanaged
    where TStride : struct, IStride1D
{
    internal MemoryBuffer1D(Accelerator accelerator, in ArrayView<T> view)
        : base(accelerator, new ArrayView1D<T, TStride>(view, view.Length, default))
    {
    }

    public LongIndex1D Extent => View.Extent;

    public Index1D IntExtent => View.IntExtent;

    public ArrayView<T> AsContiguous() => View.AsContiguous();

    public static explicit operator ArrayView<T>(MemoryBuffer1D<T, TStride> buffer) => buffer.AsContiguous();
}
