using System.Numerics;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>A stretch of device or shared memory, and what is known of its words: which were written, and by whom.</summary>
internal sealed unsafe class MemoryBlock
{
    private const int PageGranules = 4096;

    private ulong[]? _written;
    private ulong[]?[]? _writers;
    private long _prefix;
    private int _shift = 2;
    private bool _freed;

    private MemoryBlock(MemoryBuffer? owner, byte* address, long bytes, bool ownsMemory, bool isShared)
    {
        Owner = owner;
        Address = address;
        Bytes = bytes;
        OwnsMemory = ownsMemory;
        IsShared = isShared;
    }

    public MemoryBuffer? Owner { get; }

    public byte* Address { get; }

    public long Bytes { get; }

    public bool OwnsMemory { get; }

    public bool IsShared { get; }

    public bool IsFreed => _freed;

    /// <summary>Whether a read has to be looked at: some words are unwritten, this launch wrote here, or accesses are counted.</summary>
    public bool ChecksReads { get; private set; } = true;

    /// <summary>The launch that last wrote here.</summary>
    private int LastLaunch { get; set; }

    public static MemoryBlock Allocate(MemoryBuffer owner, long bytes)
    {
        var address = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 256);
        // Bits that are a NaN as float, half and bfloat16: new memory is not zero.
        NativeMemory.Fill(address, (nuint)bytes, 0xff);
        return new MemoryBlock(owner, address, bytes, true, false) { _written = new ulong[(((bytes + 3) / 4) + 63) / 64] };
    }

    public static MemoryBlock Map(MemoryBuffer owner, byte* address, long bytes) => new(owner, address, bytes, false, false);

    public static MemoryBlock AllocateShared(int bytes) =>
        new(null, (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 256), bytes, true, true);

    public static void Copy(ArrayView<byte> source, ArrayView<byte> target)
    {
        if (target.Length < source.Length)
            throw new ArgumentOutOfRangeException(nameof(target), $"A copy of {source.Length} bytes into {target.Length}.");
        if (source.Length == 0)
            return;
        source.Block!.ThrowIfFreed();
        target.Block!.ThrowIfFreed();
        Buffer.MemoryCopy(source.Address, target.Address, target.Length, source.Length);
        target.Block.WrittenByHost(target.Address, source.Length);
    }

    public static void CopyOut(ArrayView<byte> source, void* target, long bytes)
    {
        if (bytes > source.Length)
            throw new ArgumentOutOfRangeException(nameof(bytes), $"A copy of {bytes} bytes out of {source.Length}.");
        if (bytes == 0)
            return;
        source.Block!.ThrowIfFreed();
        Buffer.MemoryCopy(source.Address, target, bytes, bytes);
    }

    public static void CopyIn(void* source, long bytes, ArrayView<byte> target)
    {
        if (bytes > target.Length)
            throw new ArgumentOutOfRangeException(nameof(bytes), $"A copy of {bytes} bytes into {target.Length}.");
        if (bytes == 0)
            return;
        target.Block!.ThrowIfFreed();
        Buffer.MemoryCopy(source, target.Address, bytes, bytes);
        target.Block.WrittenByHost(target.Address, bytes);
    }

    public void Fill(byte* address, long bytes, byte value)
    {
        ThrowIfFreed();
        NativeMemory.Fill(address, (nuint)bytes, value);
        WrittenByHost(address, bytes);
    }

    public void ThrowIfFreed() => ObjectDisposedException.ThrowIf(_freed, typeof(MemoryBuffer));

    public void Free()
    {
        _freed = true;
        _written = null;
        _writers = null;
        if (OwnsMemory)
            NativeMemory.AlignedFree(Address);
    }

    /// <summary>Marks words as written. Uploads in ascending pieces end in a block that needs no bits any more.</summary>
    public void WrittenByHost(byte* address, long bytes)
    {
        if (_written is null)
            return;
        long start = address - Address;
        if (start <= _prefix)
            _prefix = Math.Max(_prefix, start + bytes);
        if (_prefix >= Bytes)
        {
            _written = null;
            ChecksReads = LastLaunch != 0 && ChecksReads;
            return;
        }

        for (long word = start / 4; word <= (start + bytes - 1) / 4;)
        {
            if (word % 64 == 0 && word + 63 <= (start + bytes - 1) / 4)
            {
                _written[word / 64] = ulong.MaxValue;
                word += 64;
            }
            else
            {
                _written[word / 64] |= 1UL << (int)(word % 64);
                word++;
            }
        }
    }

    /// <summary>Before a launch: reads are looked at where words are unwritten, or where accesses are counted.</summary>
    /// <param name="counting">Whether accesses are counted.</param>
    /// <param name="granule">Bytes of the smallest number that the kernel reads or writes, 1, 2 or 4: writers are told
    /// apart as finely as that.</param>
    public void BeginLaunch(bool counting, int granule)
    {
        ChecksReads = counting || _written is not null;
        int shift = BitOperations.Log2((uint)granule);
        if (shift >= _shift)
            return;
        _shift = shift;
        _writers = null;
    }

    /// <summary>Whether every word of an access was written at some time.</summary>
    public bool IsWritten(byte* address, int bytes)
    {
        var written = _written;
        if (written is null)
            return true;
        long first = (address - Address) / 4;
        long last = (address - Address + bytes - 1) / 4;
        for (long word = first; word <= last; word++)
        {
            if (((Volatile.Read(ref written[word / 64]) >> (int)(word % 64)) & 1) == 0)
                return false;
        }

        return true;
    }

    /// <summary>Notes a kernel's write. Returns the stamp of another thread's write that nothing orders before it, or 0.</summary>
    public ulong Write(byte* address, int bytes, ulong stamp)
    {
        ChecksReads = true;
        LastLaunch = WriteStamp.Launch(stamp);
        long start = address - Address;
        if (_written is { } written)
        {
            for (long word = start / 4; word <= (start + bytes - 1) / 4; word++)
            {
                if (((Volatile.Read(ref written[word / 64]) >> (int)(word % 64)) & 1) == 0)
                    Interlocked.Or(ref written[word / 64], 1UL << (int)(word % 64));
            }
        }

        var pages = _writers ?? CreatePages();
        for (long granule = start >> _shift; granule <= (start + bytes - 1) >> _shift; granule++)
        {
            ref ulong[]? page = ref pages[granule / PageGranules];
            if (page is null)
                Interlocked.CompareExchange(ref page, new ulong[PageGranules], null);
            ref ulong writer = ref page[granule % PageGranules];
            if (WriteStamp.Collide(writer, stamp))
                return writer;
            writer = stamp;
        }

        return 0;
    }

    /// <summary>The stamp of another thread's write in this launch that nothing orders before a read, or 0.</summary>
    public ulong UnorderedWriter(byte* address, int bytes, ulong stamp)
    {
        if (LastLaunch != WriteStamp.Launch(stamp) || _writers is not { } pages)
            return 0;
        long start = address - Address;
        for (long granule = start >> _shift; granule <= (start + bytes - 1) >> _shift; granule++)
        {
            if (pages[granule / PageGranules] is { } page && WriteStamp.Collide(page[granule % PageGranules], stamp))
                return page[granule % PageGranules];
        }

        return 0;
    }

    private ulong[]?[] CreatePages()
    {
        long granules = (Bytes >> _shift) + 1;
        Interlocked.CompareExchange(ref _writers, new ulong[]?[(granules + PageGranules - 1) / PageGranules], null);
        return _writers;
    }
}
