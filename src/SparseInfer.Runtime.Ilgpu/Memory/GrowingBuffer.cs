using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Runtime;

/// <summary>
/// Device memory that a larger piece takes the place of when more is needed. Ask for its view anew for each launch: the one before may be
/// of memory that is freed.
/// </summary>
/// <typeparam name="T">The elements' type.</typeparam>
public sealed class GrowingBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly IlgpuDevice _device;
    private DeviceBuffer<T> _buffer;
    private bool _disposed;

    internal GrowingBuffer(IlgpuDevice device, long count, string what)
    {
        _device = device;
        _buffer = device.Allocate<T>(count, what);
    }

    /// <summary>Number of elements that there is room for.</summary>
    public long Count => _buffer.Count;

    /// <summary>All of it, for kernels; until it grows.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public ArrayView<T> View => _buffer.View;

    internal DeviceBuffer<T> Buffer => _buffer;

    /// <summary>
    /// Makes room, if there is less: memory of that size, zero where nothing is kept. What there was is freed once all is copied. Where
    /// there is no room for both, it stays as it is.
    /// </summary>
    /// <param name="count">Elements.</param>
    /// <param name="kept">So many of them are kept, from the first on.</param>
    /// <param name="what">What it is for, as an error calls it.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public void Grow(long count, long kept, string what)
    {
        if (count > Count)
        {
            _device.Use((Buffer: this, count, kept, what), static call => call.Buffer.GrowInTurn(call.count, call.kept, call.what));
        }
    }

    /// <summary>Frees it, or what takes its place: another thread may make it grow meanwhile.</summary>
    public void Dispose() => _device.TakeTurn(this, static buffer =>
    {
        buffer._disposed = true;
        buffer._buffer.Dispose();
    });

    private void GrowInTurn(long count, long kept, string what)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (count <= Count)
        {
            return;
        }

        DeviceBuffer<T> larger = _device.Allocate<T>(count, what);
        try
        {
            if (kept > 0)
            {
                AcceleratorStream stream = _device.Accelerator.DefaultStream;
                _buffer.View.SubView(0, kept).CopyTo(stream, larger.View.SubView(0, kept));
            }
        }
        catch
        {
            larger.Dispose();
            throw;
        }

        // A driver frees memory once what was enqueued before is done with it.
        _buffer.Dispose();
        _buffer = larger;
    }
}
