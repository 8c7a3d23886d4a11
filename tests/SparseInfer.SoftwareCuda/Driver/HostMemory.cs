using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>Memory of the host that a context has page-locked: its own allocations, and what a program registered.</summary>
internal sealed unsafe class HostMemory(DeviceMemory memory) : IDisposable
{
    private const int Alignment = 4096;

    private readonly ConcurrentDictionary<nint, (long Bytes, bool IsOwn)> _ranges = new();

    /// <summary>Allocates zeroed, page-locked memory.</summary>
    public nint Allocate(long bytes)
    {
        var address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        NativeMemory.Clear((void*)address, (nuint)bytes);
        Add(address, bytes, isOwn: true);
        return address;
    }

    /// <summary>Frees what <see cref="Allocate"/> gave; false: that is none.</summary>
    public bool Free(nint address)
    {
        if (!_ranges.TryGetValue(address, out (long Bytes, bool IsOwn) range) || !range.IsOwn)
        {
            return false;
        }

        Remove(address, range.IsOwn);
        return true;
    }

    /// <summary>Page-locks a program's memory; false: some of it is.</summary>
    public bool Register(nint address, long bytes)
    {
        if (_ranges.Any(range => address < range.Key + range.Value.Bytes && range.Key < address + bytes))
        {
            return false;
        }

        Add(address, bytes, isOwn: false);
        return true;
    }

    /// <summary>Undoes <see cref="Register"/>; false: nothing was registered there.</summary>
    public bool Unregister(nint address)
    {
        if (!_ranges.TryGetValue(address, out (long Bytes, bool IsOwn) range) || range.IsOwn)
        {
            return false;
        }

        Remove(address, range.IsOwn);
        return true;
    }

    /// <summary>Whether page-locked memory begins at an address. Other contexts ask too, at any time.</summary>
    public bool StartsAt(nint address) => _ranges.ContainsKey(address);

    public void Dispose()
    {
        foreach ((nint address, (long _, bool isOwn)) in _ranges.ToArray())
        {
            Remove(address, isOwn);
        }
    }

    private void Add(nint address, long bytes, bool isOwn)
    {
        memory.Map(address, bytes);
        _ranges[address] = (bytes, isOwn);
    }

    private void Remove(nint address, bool isOwn)
    {
        memory.Unmap(address);
        _ranges.TryRemove(address, out _);
        if (isOwn)
        {
            NativeMemory.AlignedFree((void*)address);
        }
    }
}
