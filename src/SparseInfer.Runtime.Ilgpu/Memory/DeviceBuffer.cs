using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Runtime;

/// <summary>Memory of a device. Its first byte is aligned for every load a kernel makes.</summary>
/// <typeparam name="T">The elements' type.</typeparam>
public sealed class DeviceBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly IlgpuDevice _device;
    private readonly MemoryBuffer1D<T, Stride1D.Dense> _memory;
    private bool _disposed;
    private bool _counted;

    internal DeviceBuffer(IlgpuDevice device, MemoryBuffer1D<T, Stride1D.Dense> memory, long count)
    {
        _device = device;
        _memory = memory;
        Count = count;
        device.Took(Bytes);
        _counted = true;
    }

    /// <summary>Counts a buffer that nobody disposed no longer. ILGPU frees its memory, once no view of it is left.</summary>
    ~DeviceBuffer() => CountNoMore();

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>All of it, for kernels.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public ArrayView<T> View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Count == 0 ? default : _memory.View.BaseView;
        }
    }

    /// <summary>Fills it from the host; returns when the source may change.</summary>
    /// <param name="source">At most <see cref="Count"/> elements, for its start.</param>
    /// <exception cref="ArgumentException">There are more.</exception>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    public void CopyFrom(ReadOnlySpan<T> source) => CopyFrom(0, source);

    /// <summary>Copies it to the host, once everything enqueued before is done.</summary>
    /// <param name="destination">Room for at most <see cref="Count"/> elements, from its start.</param>
    /// <exception cref="ArgumentException">It asks for more.</exception>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    public void CopyTo(Span<T> destination) => CopyTo(0, destination);

    /// <summary>Frees it. On a device that failed nothing is done, nor thrown: it is freed with the device.</summary>
    public void Dispose()
    {
        _device.TakeTurn(this, static buffer =>
        {
            if (!buffer._disposed)
            {
                buffer._disposed = true;
                buffer.CountNoMore();

                buffer._device.Release(buffer._memory, static memory => memory.Dispose());
            }
        });
        GC.SuppressFinalize(this);
    }

    /// <summary>Enqueues writing zeros.</summary>
    internal void Clear() => _memory.MemSet(_device.Accelerator.DefaultStream, 0, 0, _memory.LengthInBytes);

    internal void CopyFrom(long offset, ReadOnlySpan<T> source)
    {
        Require(offset, source.Length, nameof(source));
        if (!source.IsEmpty)
        {
            _device.Use(
                new FromHost(this, offset, source),
                static copy => copy.Target.CopyFromCPU(copy.Stream, copy.Source));
        }
    }

    internal void CopyTo(long offset, Span<T> destination)
    {
        Require(offset, destination.Length, nameof(destination));
        if (!destination.IsEmpty)
        {
            _device.Use(
                new ToHost(this, offset, destination),
                static copy => copy.Source.CopyToCPU(copy.Stream, copy.Target));
        }
    }

    private long Bytes => _memory.Length * Unsafe.SizeOf<T>();

    private void CountNoMore()
    {
        if (Interlocked.Exchange(ref _counted, false))
        {
            _device.Freed(Bytes);
        }
    }

    private void Require(long offset, int count, string argument)
    {
        if (count > Count - offset)
        {
            throw new ArgumentException($"{count} elements from {offset} on do not fit a buffer of {Count}.", argument);
        }
    }

    /// <summary>
    /// A copy that has its view only in its turn: until then another thread may free the buffer. Its memory of the host goes to ILGPU as a
    /// span, which it pins: of what it gets by reference it takes the address, and the collector may move that while the driver copies.
    /// </summary>
    private readonly ref struct FromHost(DeviceBuffer<T> buffer, long offset, ReadOnlySpan<T> source)
    {
        private readonly DeviceBuffer<T> _buffer = buffer;
        private readonly long _offset = offset;

        public AcceleratorStream Stream => _buffer._device.Accelerator.DefaultStream;

        public ArrayView<T> Target => _buffer.View.SubView(_offset, Source.Length);

        public ReadOnlySpan<T> Source { get; } = source;
    }

    /// <inheritdoc cref="FromHost"/>
    private readonly ref struct ToHost(DeviceBuffer<T> buffer, long offset, Span<T> target)
    {
        private readonly DeviceBuffer<T> _buffer = buffer;
        private readonly long _offset = offset;

        public AcceleratorStream Stream => _buffer._device.Accelerator.DefaultStream;

        public ArrayView<T> Source => _buffer.View.SubView(_offset, Target.Length);

        public Span<T> Target { get; } = target;
    }
}
