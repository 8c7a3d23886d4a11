using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Runtime;
using Hardware = ILGPU.Runtime.Device;

namespace SparseInfer;

/// <summary>
/// A device that ILGPU runs kernels on: one accelerator, and its default stream. Several models and sessions may share it, from several
/// threads; they take turns.
/// </summary>
public sealed partial class IlgpuDevice : Device
{
    private readonly Context _context;
    private readonly DeviceThread? _thread;
    private readonly Lock _turn = new();
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
        catch (Exception exception)
        {
            // Half open it is nobody's, but ILGPU has bound it to this thread as soon as there was something to free.
            AcceleratorDisposal.Free(Accelerator.Current is { } half && half.Context == _context ? half : null, _context, failed: true);
            if (exception is AcceleratorException)
            {
                throw new DeviceLostException(
                    $"Device '{info.Name}' could not be opened: {exception.Message.TrimEnd('.')}. Look for other programs that use it (nvidia-smi lists them).", exception);
            }

            throw;
        }

        if (RunsHere)
        {
            _thread = new DeviceThread();
        }
    }

    /// <summary>
    /// Frees a device that nobody disposed, nor anything on it: ILGPU's accelerator has a thread of its own, and so is never collected. On
    /// another thread, because that may take a while.
    /// </summary>
    ~IlgpuDevice()
    {
        if (Accelerator is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static device => device.FreeQuietly(), this, preferLocal: false);
        }
    }

    /// <inheritdoc/>
    public override string Name => Info.Name;

    /// <inheritdoc/>
    public override string Description => RunsHere
        ? Info.Description!
        : $"{Info.Description}, {Info.Multiprocessors} multiprocessors, {Info.MemoryBytes / (1024.0 * 1024 * 1024):0.#} GiB";

    /// <summary>What is known of it.</summary>
    public IlgpuDeviceInfo Info { get; }

    /// <summary>ILGPU's accelerator, for generated programs: they load their kernels from it, and launch them on its default stream.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>Bytes that buffers take now.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocated);

    /// <summary>Whether kernels run on threads of this process, rather than on hardware of their own.</summary>
    private bool RunsHere => Info.Kind is IlgpuDevices.PackageCpu or SoftwareDriver.Kind;

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
        where T : unmanaged =>
        Allocate<T>(count, what, zeroed: true);

    /// <summary>Waits until everything that was enqueued is done.</summary>
    /// <exception cref="DeviceLostException">Some of it failed.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public void Synchronize() => Use(Accelerator.DefaultStream, static stream => stream.Synchronize());

    /// <summary>
    /// Frees the device. What is on it cannot run any more: dispose models first. A device that failed is freed too, and nothing is thrown
    /// for its failure: the call that met it was told.
    /// </summary>
    public override void Dispose()
    {
        TakeTurn(this, static device => device.Free());
        _thread?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>As <see cref="Allocate{T}(long, string)"/>; not zeroed where all of it is written before it is read.</summary>
    internal DeviceBuffer<T> Allocate<T>(long count, string what, bool zeroed)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        RequireUsable();
        UInt128 bytes = (UInt128)Math.Max(1, count) * (uint)Interop.SizeOf<T>();
        if (bytes > (UInt128)Math.Max(0, Info.MemoryBytes))
        {
            throw NoRoom(bytes, what, null);
        }

        if (TryAllocate<T>(count, zeroed, out Exception? failure) is not { } buffer)
        {
            // What nobody disposed is freed when it is collected: now is the time.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            buffer = TryAllocate<T>(count, zeroed, out failure) ?? throw NoRoom(bytes, what, failure);
        }

        return buffer;
    }

    /// <summary>Counts what a buffer takes, and tells the collector, which sees only the object.</summary>
    internal void Took(long bytes)
    {
        Interlocked.Add(ref _allocated, bytes);
        GC.AddMemoryPressure(bytes);
    }

    internal void Freed(long bytes)
    {
        Interlocked.Add(ref _allocated, -bytes);
        GC.RemoveMemoryPressure(bytes);
    }

    /// <summary>Does something with the accelerator, alone, and tells what its failure means.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="DeviceLostException">It failed, now or before.</exception>
    internal void Use<T>(T argument, Action<T> action)
        where T : allows ref struct =>
        TakeTurn(new BoundCall<T>(this, argument, action), static call => call.Invoke());

    /// <summary>
    /// Does something while nobody else uses the device: the accelerator has one stream. As long as it lasts, whether or not the calling
    /// thread is interrupted: kernels would go on in memory that its owner takes to be free.
    /// </summary>
    internal void TakeTurn<T>(T argument, Action<T> action)
        where T : allows ref struct
    {
        if (_thread is { IsCurrent: true })
        {
            action(argument);
            return;
        }

        bool interrupted = Uninterruptible.Enter(_turn);
        try
        {
            if (_thread is null || _disposed)
            {
                action(argument);
            }
            else
            {
                _thread.Run(argument, action);
            }
        }
        finally
        {
            _turn.Exit();
            Uninterruptible.Raise(interrupted);
        }
    }

    /// <summary>
    /// Frees something of ILGPU's. A disposed device has freed it already, one that failed frees it with itself, and a failure now is for the
    /// next call to tell.
    /// </summary>
    internal void Release<T>(T owner, Action<T> free) => TakeTurn((Device: this, owner, free), static release =>
    {
        if (release.Device._disposed || release.Device._lost is not null)
        {
            return;
        }

        try
        {
            release.free(release.owner);
        }
        catch (AcceleratorException exception)
        {
            release.Device.Lost(exception);
        }
    });

    /// <summary>After such a failure a driver refuses everything: all that helps is to begin anew.</summary>
    internal DeviceLostException Lost(AcceleratorException exception)
    {
        string what = exception.Message.TrimEnd('.');
        if (CudaBinding.Software?.LastFailure(Accelerator.NativePtr) is { } failure)
        {
            what = $"{what}: {failure.TrimEnd('.')}";
        }

        // The first is the cause of those that follow.
        if (Interlocked.CompareExchange(ref _lost, what, null) is null)
        {
            AcceleratorDisposal.Abandon(Accelerator);
        }

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

    private DeviceBuffer<T>? TryAllocate<T>(long count, bool zeroed, out Exception? failure)
        where T : unmanaged
    {
        DeviceBuffer<T>? buffer = null;
        Exception? caught = null;
        Use(this, device =>
        {
            try
            {
                buffer = new DeviceBuffer<T>(device, device.Accelerator.Allocate1D<T>(Math.Max(1, count)), count);
            }
            catch (Exception exception) when (DriverErrors.IsNoRoom(exception))
            {
                caught = exception;
                return;
            }

            if (zeroed)
            {
                try
                {
                    buffer.Clear();
                }
                catch
                {
                    buffer.Dispose();
                    throw;
                }
            }
        });
        failure = caught;
        return buffer;
    }

    private void Free()
    {
        if (!_disposed)
        {
            _disposed = true;
            AcceleratorDisposal.Free(Accelerator, _context, failed: _lost is not null);
        }
    }

    private void FreeQuietly()
    {
        try
        {
            // Two that are dropped together are freed on two threads.
            lock (_turn)
            {
                Free();
            }
        }
        catch (Exception)
        {
            // A driver that fails while a dropped device is freed: nobody is there to be told.
        }
    }

    private DeviceLostException LostException(Exception? inner) => new(
        $"Device '{Name}' failed: {_lost}. What was on it is gone: dispose its models and the device, open it and load again. "
        + "If it fails again, look for the driver's messages (dmesg on Linux); a display's GPU ends kernels that take seconds.",
        inner);

    private InsufficientDeviceMemoryException NoRoom(UInt128 bytes, string what, Exception? inner) => new(
        $"Device '{Name}' has no room for {what}: {Size(bytes)}, where {Size((UInt128)AllocatedBytes)} of {Size((UInt128)Info.MemoryBytes)} are taken by this program. "
        + "Give sessions a smaller SessionOptions.Context, have fewer of them, or declare a smaller weight type.",
        inner);

    private static string Size(UInt128 bytes) => FormattableString.Invariant($"{(double)bytes / (1024 * 1024):N1} MiB");

    private readonly ref struct BoundCall<T>(IlgpuDevice device, T argument, Action<T> action)
        where T : allows ref struct
    {
        private readonly T _argument = argument;

        public void Invoke()
        {
            device.RequireUsable();
            try
            {
                device.Accelerator.Bind();
                action(_argument);
            }
            catch (AcceleratorException exception) when (DriverErrors.IsNoMemory(exception))
            {
                throw new InsufficientDeviceMemoryException(
                    $"Device '{device.Name}' has no room for what it was asked to do. Give sessions a smaller SessionOptions.Context, have fewer of them, "
                    + "or close other programs that use it.",
                    exception);
            }
            catch (AcceleratorException exception)
            {
                throw device.Lost(exception);
            }
        }
    }
}
