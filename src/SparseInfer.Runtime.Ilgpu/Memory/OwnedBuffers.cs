using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Device memory of something that is being made, and that owns it from then on. Where there is no room for a piece, those before it are
/// freed: what cannot be made is nobody's to dispose of.
/// </summary>
internal sealed class OwnedBuffers(IlgpuDevice device) : IDisposable
{
    private readonly NativeMemoryPool _owned = new();
    private bool _disposed;

    public bool IsDisposed => _disposed;

    /// <summary>Allocates zeroed memory.</summary>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public DeviceBuffer<T> Buffer<T>(long count, string what)
        where T : unmanaged => Own(() => device.Allocate<T>(count, what));

    /// <summary>Allocates zeroed memory that may grow.</summary>
    /// <inheritdoc cref="Buffer{T}"/>
    public GrowingBuffer<T> Growing<T>(long count, string what)
        where T : unmanaged => Own(() => new GrowingBuffer<T>(device, count, what));

    /// <summary>Makes what is owned then.</summary>
    public T Own<T>(Func<T> allocate)
        where T : IDisposable
    {
        T owned = WhileMaking(allocate);
        _owned.Own(owned);
        return owned;
    }

    /// <summary>Makes what is not owned, but needed like the rest.</summary>
    public T WhileMaking<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _disposed, true))
        {
            _owned.Dispose();
        }
    }
}
