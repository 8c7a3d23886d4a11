using System.Runtime.InteropServices;

namespace SparseInfer.SoftwareCuda.Memory;

/// <summary>
/// Global memory of one context: allocations of the host's memory, whose addresses are the device's. Knows which bytes were written. Safe to
/// be used by several threads.
/// </summary>
internal sealed unsafe class DeviceMemory : IDisposable
{
    private const int Alignment = 512;
    private const int PoisonedBytes = 1 << 20;

    // Freed memory is held back until there is this much of it.
    private const long QuarantineBytes = 64L << 20;
    private const int QuarantineBuffers = 1024;

    private readonly Lock _lock = new();
    private readonly Queue<Allocation> _quarantine = new();
    private long _quarantined;
    private long _allocated;

    // Sorted by address. Replaced as a whole, so that kernels read it without a lock.
    private Allocation[] _allocations = [];

    /// <summary>Bytes that are allocated now.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocated);

    /// <summary>Allocates, aligned to 512 bytes. What is in it nobody wrote.</summary>
    /// <returns>The address.</returns>
    /// <exception cref="OutOfMemoryException">The machine has no room.</exception>
    public nint Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        nint start = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        // A read that escapes the checks shows no plausible numbers.
        NativeMemory.Fill((void*)start, (nuint)Math.Min(bytes, PoisonedBytes), 0xA5);
        lock (_lock)
        {
            Insert(new Allocation(start, bytes, mapped: false));
            _allocated += bytes;
        }

        return start;
    }

    /// <summary>Frees an allocation: its addresses stay out of use for a while, so that a late access is told from one of a new buffer.</summary>
    /// <returns>False: the address is none of an allocation.</returns>
    public bool Free(nint address)
    {
        lock (_lock)
        {
            Allocation? allocation = Nearest((ulong)address);
            if (allocation is null || allocation.Start != address || allocation.Freed || allocation.Mapped)
            {
                return false;
            }

            allocation.Freed = true;
            _allocated -= allocation.Bytes;
            _quarantined += allocation.Bytes;
            _quarantine.Enqueue(allocation);
            while (_quarantine.Count > 1 && (_quarantined > QuarantineBytes || _quarantine.Count > QuarantineBuffers))
            {
                Allocation oldest = _quarantine.Dequeue();
                _quarantined -= oldest.Bytes;
                Remove(oldest);
                oldest.Release();
            }

            return true;
        }
    }

    /// <summary>Makes memory of the host known as the device's: page-locked and mapped. What is in it counts as written.</summary>
    public void Map(nint address, long bytes)
    {
        lock (_lock)
        {
            Insert(new Allocation(address, bytes, mapped: true));
        }
    }

    /// <summary>Undoes <see cref="Map"/>.</summary>
    public bool Unmap(nint address)
    {
        lock (_lock)
        {
            Allocation? allocation = Nearest((ulong)address);
            if (allocation is null || allocation.Start != address || !allocation.Mapped)
            {
                return false;
            }

            Remove(allocation);
            allocation.Release();
            return true;
        }
    }

    /// <summary>The allocation (or mapped memory) that an address lies in.</summary>
    public bool TryFind(nint address, out nint start, out long bytes)
    {
        Allocation? allocation = Nearest((ulong)address);
        bool found = allocation is not null && !allocation.Freed && (ulong)address < allocation.End;
        start = found ? allocation!.Start : 0;
        bytes = found ? allocation!.Bytes : 0;
        return found;
    }

    /// <summary>Whether an address lies in an allocation that was freed, and whose addresses nobody has got since.</summary>
    public bool IsFreed(nint address) => Nearest((ulong)address) is { Freed: true } allocation && (ulong)address < allocation.End;

    /// <summary>Notes that the host wrote bytes: a copy or a fill.</summary>
    public void Written(nint address, long bytes)
    {
        Allocation? allocation = Nearest((ulong)address);
        if (allocation is not null && (ulong)address < allocation.End)
        {
            allocation.MarkWritten(address - allocation.Start, Math.Min(bytes, (long)(allocation.End - (ulong)address)));
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            // First nobody finds it any more: other contexts look here, too, and may be given the same addresses.
            Allocation[] all = _allocations;
            Volatile.Write(ref _allocations, []);
            foreach (Allocation allocation in all)
            {
                allocation.Release();
            }

            _quarantine.Clear();
            _quarantined = 0;
            _allocated = 0;
        }
    }

    /// <summary>The last allocation that begins at or below an address, freed or not; null where there is none.</summary>
    internal Allocation? Nearest(ulong address)
    {
        Allocation[] allocations = Volatile.Read(ref _allocations);
        int index = IndexBehind(allocations, address);
        return index == 0 ? null : allocations[index - 1];
    }

    /// <summary>The first allocation behind an address; null where there is none.</summary>
    internal Allocation? Behind(ulong address)
    {
        Allocation[] allocations = Volatile.Read(ref _allocations);
        int index = IndexBehind(allocations, address);
        return index == allocations.Length ? null : allocations[index];
    }

    private static int IndexBehind(Allocation[] allocations, ulong address)
    {
        int low = 0;
        int high = allocations.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if ((ulong)allocations[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Insert(Allocation allocation)
    {
        int index = IndexBehind(_allocations, (ulong)allocation.Start);
        Volatile.Write(ref _allocations, [.. _allocations[..index], allocation, .. _allocations[index..]]);
    }

    private void Remove(Allocation allocation) =>
        Volatile.Write(ref _allocations, [.. _allocations.Where(other => !ReferenceEquals(other, allocation))]);
}
