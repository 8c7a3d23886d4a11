namespace SparseInfer.SoftwareCuda.Memory;

/// <summary>
/// Global memory of one context: allocations of the host's memory, whose addresses are the device's. Knows which bytes were written. Safe to
/// be used by several threads.
/// </summary>
internal sealed class DeviceMemory : IDisposable
{
    /// <summary>Bytes that are allocated now.</summary>
    public long AllocatedBytes => throw new NotImplementedException();

    /// <summary>Allocates, aligned to 512 bytes. What is in it nobody wrote.</summary>
    /// <returns>The address.</returns>
    /// <exception cref="OutOfMemoryException">The machine has no room.</exception>
    public nint Allocate(long bytes) => throw new NotImplementedException();

    /// <summary>Frees an allocation: its addresses stay out of use for a while, so that a late access is told from one of a new buffer.</summary>
    /// <returns>False: the address is none of an allocation.</returns>
    public bool Free(nint address) => throw new NotImplementedException();

    /// <summary>Makes memory of the host known as the device's: page-locked and mapped. What is in it counts as written.</summary>
    public void Map(nint address, long bytes) => throw new NotImplementedException();

    /// <summary>Undoes <see cref="Map"/>.</summary>
    public bool Unmap(nint address) => throw new NotImplementedException();

    /// <summary>The allocation (or mapped memory) that an address lies in.</summary>
    public bool TryFind(nint address, out nint start, out long bytes) => throw new NotImplementedException();

    /// <summary>Notes that the host wrote bytes: a copy or a fill.</summary>
    public void Written(nint address, long bytes) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
