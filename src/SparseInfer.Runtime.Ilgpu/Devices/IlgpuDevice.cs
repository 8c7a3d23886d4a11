using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Runtime;
using Hardware = ILGPU.Runtime.Device;

namespace SparseInfer;

/// <summary>
/// A device that ILGPU runs kernels on: one accelerator, and its default stream. Several models and sessions may share it, from several
/// threads; they take turns.
/// </summary>
public sealed class IlgpuDevice : Device
{
    private readonly Context _context;
    private long _allocated;
    private string? _lost;
    private bool _disposed;

    internal IlgpuDevice(IlgpuDeviceInfo info, Hardware hardware)
    {
        Info = info;

        // O2: the default, O1, addresses global memory by generic loads.
        _context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive));
        try
        {
            Accelerator = hardware.CreateAccelerator(_context);
        }
        catch (AcceleratorException exception)
        {
            _context.Dispose();
            throw new DeviceLostException($"Device '{info.Name}' could not be opened: {exception.Message}", exception);
        }
        catch
        {
            _context.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Name => Info.Name;

    /// <inheritdoc/>
    public override string Description => Info.Kind is IlgpuDevices.PackageCpu or IlgpuDevices.StandIn
        ? Info.Description!
        : $"{Info.Description}, {Info.Multiprocessors} multiprocessors, {Info.MemoryBytes / (1024.0 * 1024 * 1024):0.#} GiB";

    /// <summary>What is known of it.</summary>
    public IlgpuDeviceInfo Info { get; }

    /// <summary>ILGPU's accelerator, for generated programs: they load their kernels from it, and launch them on its default stream.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>Bytes that buffers take now.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocated);

    /// <summary>Held by whoever launches kernels or copies: the accelerator has one stream.</summary>
    internal Lock Turn { get; } = new();

    internal bool IsDisposed => _disposed;

    /// <summary>
    /// Every device that ILGPU could use, and each kind of which there is none, with the reason and what would help: what
    /// <c>sparseinfer doctor</c> shows.
    /// </summary>
    public static IReadOnlyList<IlgpuDeviceInfo> List() => [.. IlgpuDevices.List().Select(found => found.Info)];

    /// <summary>Allocates zeroed device memory.</summary>
    /// <param name="count">Elements; at least one is allocated.</param>
    /// <param name="what">What it is for, as an error calls it: <c>the key-value cache</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">There is no room for it.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public DeviceBuffer<T> Allocate<T>(long count, string what)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        lock (Turn)
        {
            RequireUsable();
            long elements = Math.Max(1, count);
            UInt128 bytes = (UInt128)elements * (uint)Interop.SizeOf<T>();
            if (bytes > (UInt128)Math.Max(0, Info.MemoryBytes))
            {
                throw NoRoom(bytes, what, null);
            }

            try
            {
                Accelerator.Bind();
                MemoryBuffer1D<T, Stride1D.Dense> memory = Accelerator.Allocate1D<T>(elements);
                memory.MemSet(Accelerator.DefaultStream, 0, 0, memory.LengthInBytes);
                Interlocked.Add(ref _allocated, (long)bytes);
                return new DeviceBuffer<T>(this, memory, count);
            }
            catch (Exception exception) when (exception is AcceleratorException or OutOfMemoryException or InsufficientMemoryException or OverflowException)
            {
                throw NoRoom(bytes, what, exception);
            }
        }
    }

    /// <summary>Waits until everything that was enqueued is done.</summary>
    /// <exception cref="DeviceLostException">Some of it failed.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public void Synchronize() => Use(Accelerator.DefaultStream, static stream => stream.Synchronize());

    /// <summary>Frees the device. What is on it cannot run any more: dispose models first.</summary>
    public override void Dispose()
    {
        lock (Turn)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            Accelerator.Dispose();
            _context.Dispose();
        }
    }

    internal void Freed(long bytes) => Interlocked.Add(ref _allocated, -bytes);

    /// <summary>Does something with the accelerator, alone, and tells what its failure means.</summary>
    internal void Use<T>(T argument, Action<T> action)
        where T : allows ref struct
    {
        lock (Turn)
        {
            RequireUsable();
            try
            {
                Accelerator.Bind();
                action(argument);
            }
            catch (AcceleratorException exception)
            {
                throw Lost(exception);
            }
        }
    }

    /// <summary>After such a failure a driver refuses everything: all that helps is to begin anew.</summary>
    internal DeviceLostException Lost(AcceleratorException exception)
    {
        _lost = exception.Message;
        return LostException(exception);
    }

    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="DeviceLostException">It failed before.</exception>
    internal void RequireUsable()
    {
        if (_disposed)
        {
            throw new ObjectDisposedException(
                nameof(IlgpuDevice), $"Device '{Name}' was disposed, and with it what lies on it: dispose models before their device.");
        }

        if (_lost is not null)
        {
            throw LostException(null);
        }
    }

    private DeviceLostException LostException(Exception? inner) => new(
        $"Device '{Name}' failed: {_lost} What was on it is gone: dispose its models and the device, open it and load again. "
        + "If it fails again, look for the driver's messages (dmesg on Linux); a display's GPU ends kernels that take seconds.",
        inner);

    private InsufficientDeviceMemoryException NoRoom(UInt128 bytes, string what, Exception? inner) => new(
        $"Device '{Name}' has no room for {what}: {Size(bytes)}, where {Size((UInt128)AllocatedBytes)} of {Size((UInt128)Info.MemoryBytes)} are taken by this program. "
        + "Give sessions a smaller SessionOptions.Context, have fewer of them, or declare a smaller weight type.",
        inner);

    private static string Size(UInt128 bytes) => FormattableString.Invariant($"{(double)bytes / (1024 * 1024):N1} MiB");
}
