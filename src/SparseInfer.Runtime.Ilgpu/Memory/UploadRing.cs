using System.Runtime.CompilerServices;
using ILGPU.Runtime;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Page-locked memory that weights go through on their way to a device: while one part of it is copied, the host fills the next. Each part
/// has a stream of its own, and is filled again once that is done. The device's kernels do not wait for these streams:
/// <see cref="Finish"/> does.
/// </summary>
internal sealed unsafe class UploadRing(IlgpuDevice device, NativeMemoryPool owner) : IDisposable
{
    /// <summary>Bytes that the host best prepares at once.</summary>
    public const int PartBytes = 8 << 20;

    private const int PartCount = 3;
    private const int Alignment = 256;

    private readonly Part?[] _parts = new Part?[PartCount];
    private int _current;
    private bool _owned;

    /// <summary>Room for elements. What was given before the last two times that the ring went on must be sent by then.</summary>
    /// <param name="count">Number of elements.</param>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    /// <exception cref="InsufficientMemoryException">The host has no room for it.</exception>
    public Staged<T> Room<T>(int count)
        where T : unmanaged
    {
        long bytes = (long)count * Unsafe.SizeOf<T>();
        if (_parts[_current] is not { } part || part.Used + bytes > part.Bytes)
        {
            part = Next(bytes);
        }

        nint address = part.Address + part.Used;
        part.Used += (int)((bytes + Alignment - 1) / Alignment * Alignment);
        return new Staged<T>(device, part, address, count);
    }

    /// <summary>Waits until everything that was sent has arrived, and frees the ring.</summary>
    /// <exception cref="DeviceLostException">The device failed: not everything has.</exception>
    public void Finish()
    {
        foreach (Part? part in _parts)
        {
            part?.Wait(device);
        }

        Dispose();
    }

    /// <summary>Frees the ring, once no copy reads it. Throws nothing of the device's.</summary>
    public void Dispose()
    {
        for (int i = 0; i < _parts.Length; i++)
        {
            _parts[i]?.Free(device);
            _parts[i] = null;
        }
    }

    private Part Next(long bytes)
    {
        if (!_owned)
        {
            // Where loading breaks off.
            owner.Own(this);
            _owned = true;
        }

        _current = (_current + 1) % PartCount;
        if (_parts[_current] is { } part)
        {
            part.Wait(device);
            if (part.Bytes >= bytes)
            {
                part.Used = 0;
                return part;
            }

            part.Free(device);
            _parts[_current] = null;
        }

        return _parts[_current] = new Part(device, Math.Max(bytes, PartBytes));
    }

    /// <summary>Elements in page-locked memory, to be filled and sent.</summary>
    public readonly ref struct Staged<T>
        where T : unmanaged
    {
        private readonly IlgpuDevice _device;
        private readonly Part _part;

        internal Staged(IlgpuDevice device, Part part, nint address, int count)
        {
            _device = device;
            _part = part;
            Address = address;
            Count = count;
        }

        /// <summary>The first element.</summary>
        public nint Address { get; }

        /// <summary>Number of elements.</summary>
        public int Count { get; }

        /// <summary>All of them.</summary>
        public Span<T> Span => new((void*)Address, Count);

        /// <summary>Begins to copy them; they must not change any more.</summary>
        /// <param name="target">Where they go.</param>
        /// <param name="offset">The element of the target that the first becomes.</param>
        /// <exception cref="DeviceLostException">The device failed.</exception>
        public void Send(DeviceBuffer<T> target, long offset)
        {
            if (Count > 0)
            {
                _device.Use(
                    (Target: target.View.SubView(offset, Count), Address, _part.Stream),
                    static copy => copy.Target.CopyFromCPUUnsafeAsync(copy.Stream, ref Unsafe.AsRef<T>((void*)copy.Address), copy.Target.Length));
            }
        }
    }

    internal sealed class Part
    {
        private readonly NativeBuffer _memory;
        private PageLockScope<byte>? _lock;

        public Part(IlgpuDevice device, long bytes)
        {
            _memory = NativeBuffer.Allocate(bytes + Alignment);
            Address = (_memory.Address + Alignment - 1) / Alignment * Alignment;
            Bytes = bytes;
            try
            {
                AcceleratorStream? stream = null;
                device.Use(this, part =>
                {
                    stream = device.Accelerator.CreateStream();
                    try
                    {
                        part._lock = device.Accelerator.CreatePageLockFromPinned<byte>(part._memory.Address, part._memory.Bytes);
                    }
                    catch (AcceleratorException)
                    {
                        // What may not be locked is copied too, only not beside what the host does. What else is wrong the copy will say.
                    }
                });
                Stream = stream!;
            }
            catch
            {
                _memory.Dispose();
                throw;
            }
        }

        public long Bytes { get; }

        public nint Address { get; }

        public int Used { get; set; }

        public AcceleratorStream Stream { get; }

        public void Wait(IlgpuDevice device) => device.Use(Stream, static stream => stream.Synchronize());

        public void Free(IlgpuDevice device)
        {
            device.Release(this, static part =>
            {
                part.Stream.Synchronize();
                part._lock?.Dispose();
                part.Stream.Dispose();
            });
            _memory.Dispose();
        }
    }
}
