using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Zeroed native memory whose first byte is 64-byte aligned: a cache line, and the widest vector. The garbage collector does not move it, but
/// knows of its size, and frees it with a buffer that nobody disposed. Large pieces are asked for in huge pages, where Linux gives those on
/// request. Whoever holds a <see cref="WeightMatrix"/>, <see cref="DownMatrix"/> or <see cref="SignPlane"/> over it must keep it alive.
/// </summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;

    /// <summary>From here on a buffer starts at a huge page: it has at least one, and half of it at least lies in such.</summary>
    private const int LargeBytes = 2 * VirtualMemory.HugePage;

    private static long _allocatedBytes;

    private nint _allocation;
    private readonly byte* _start;

    private NativeBuffer(void* allocation, long bytes, int alignment)
    {
        _allocation = (nint)allocation;
        _start = (byte*)(((nuint)allocation + (nuint)(alignment - 1)) & ~(nuint)(alignment - 1));
        Bytes = bytes;
        if (alignment == VirtualMemory.HugePage)
        {
            VirtualMemory.PreferHugePages(_start, bytes);
        }

        Interlocked.Add(ref _allocatedBytes, bytes);
        if (bytes > 0)
        {
            GC.AddMemoryPressure(bytes);
        }
    }

    /// <summary>Frees the memory of a buffer that nobody disposed.</summary>
    ~NativeBuffer() => Free();

    /// <summary>Bytes that all buffers of the process take now.</summary>
    public static long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Address of the first byte, a multiple of 64.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_allocation == 0, this);
            return (nint)_start;
        }
    }

    /// <summary>Allocates zeroed memory.</summary>
    /// <param name="bytes">Size in bytes; 0 gives an empty buffer.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    /// <exception cref="InsufficientMemoryException">The operating system has no such piece of memory.</exception>
    public static NativeBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        int alignment = bytes >= LargeBytes ? VirtualMemory.HugePage : Alignment;
        if (bytes > nint.MaxValue - alignment)
        {
            throw TooLarge(bytes, null);
        }

        try
        {
            return new NativeBuffer(AllocateZeroed(bytes, alignment), bytes, alignment);
        }
        catch (OutOfMemoryException)
        {
            // What nobody disposed is freed when it is collected: now is the time.
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        try
        {
            return new NativeBuffer(AllocateZeroed(bytes, alignment), bytes, alignment);
        }
        catch (OutOfMemoryException exception)
        {
            throw TooLarge(bytes, exception);
        }
    }

    /// <summary>The whole buffer as a span.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    /// <exception cref="OverflowException">The buffer has more elements than a span can count.</exception>
    public Span<T> AsSpan<T>()
        where T : unmanaged =>
        new((void*)Address, checked((int)(Bytes / sizeof(T))));

    /// <summary>Reference to the first element.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public ref T Ref<T>()
        where T : unmanaged =>
        ref Unsafe.AsRef<T>((void*)Address);

    /// <summary>Frees the memory; every matrix over it is dead from then on.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Zeroed by calloc rather than by hand: large pieces come from the kernel as untouched zero pages.</summary>
    private static void* AllocateZeroed(long bytes, int alignment) => NativeMemory.AllocZeroed((nuint)bytes + (nuint)alignment);

    private static InsufficientMemoryException TooLarge(long bytes, Exception? inner) =>
        new(FormattableString.Invariant($"Could not allocate {bytes:N0} bytes ({bytes / (1024.0 * 1024 * 1024):F2} GiB) of native memory."), inner);

    private void Free()
    {
        nint allocation = Interlocked.Exchange(ref _allocation, 0);
        if (allocation == 0)
        {
            return;
        }

        NativeMemory.Free((void*)allocation);
        Interlocked.Add(ref _allocatedBytes, -Bytes);
        if (Bytes > 0)
        {
            GC.RemoveMemoryPressure(Bytes);
        }
    }
}
