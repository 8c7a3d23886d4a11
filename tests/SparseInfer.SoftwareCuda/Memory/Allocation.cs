using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.SoftwareCuda.Memory;

/// <summary>One allocation, or a piece of the host's memory that is mapped, with a bit for each of its bytes: whether somebody wrote it.</summary>
internal sealed unsafe class Allocation(nint start, long bytes, bool mapped)
{
    private readonly Lock _lock = new();
    private nint _written;
    private long _prefix;
    private volatile bool _allWritten = mapped;

    public nint Start { get; } = start;

    public long Bytes { get; } = bytes;

    public bool Mapped { get; } = mapped;

    /// <summary>The nearest address behind it.</summary>
    public ulong End => (ulong)Start + (ulong)Bytes;

    public bool Freed { get; set; }

    /// <summary>Marks bytes as written. Several threads may do so at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void MarkWritten(long offset, long count)
    {
        if (_allWritten || count <= 0)
        {
            return;
        }

        if (offset <= Volatile.Read(ref _prefix) && MarkPrefix(offset + count))
        {
            return;
        }

        ulong* bits = Bits();
        long end = offset + count;
        for (long word = offset >> 6; word << 6 < end; word++)
        {
            ulong mask = Mask(word, offset, end);
            if ((bits[word] & mask) != mask)
            {
                Interlocked.Or(ref bits[word], mask);
            }
        }
    }

    /// <summary>The first byte of a range that nobody wrote; -1: all are written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public long FirstUnwritten(long offset, long count)
    {
        if (_allWritten)
        {
            return -1;
        }

        long end = offset + count;
        offset = Math.Max(offset, Volatile.Read(ref _prefix));
        if (offset >= end)
        {
            return -1;
        }

        ulong* bits = Bits();
        for (long word = offset >> 6; word << 6 < end; word++)
        {
            ulong missing = Mask(word, offset, end) & ~Volatile.Read(ref bits[word]);
            if (missing != 0)
            {
                return (word << 6) + System.Numerics.BitOperations.TrailingZeroCount(missing);
            }
        }

        return -1;
    }

    public void Release()
    {
        NativeMemory.Free((void*)_written);
        _written = 0;
        if (!Mapped)
        {
            NativeMemory.AlignedFree((void*)Start);
        }
    }

    // What the host copies in order, piece by piece, needs no bits.
    private bool MarkPrefix(long end)
    {
        lock (_lock)
        {
            if (_written != 0 && end < Bytes)
            {
                return false;
            }

            Volatile.Write(ref _prefix, Math.Max(_prefix, end));
            _allWritten = _prefix >= Bytes;
            return true;
        }
    }

    private ulong* Bits()
    {
        nint bits = Volatile.Read(ref _written);
        if (bits == 0)
        {
            lock (_lock)
            {
                if (_written == 0)
                {
                    Volatile.Write(ref _written, (nint)NativeMemory.AllocZeroed((nuint)((Bytes + 63) / 64), sizeof(ulong)));
                }

                bits = _written;
            }
        }

        return (ulong*)bits;
    }

    private static ulong Mask(long word, long offset, long end)
    {
        ulong mask = ulong.MaxValue;
        if (offset > word << 6)
        {
            mask <<= (int)(offset & 63);
        }

        if (end < (word + 1) << 6)
        {
            mask &= (1UL << (int)(end & 63)) - 1;
        }

        return mask;
    }
}
