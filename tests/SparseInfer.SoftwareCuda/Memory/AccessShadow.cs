using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.SoftwareCuda.Memory;

/// <summary>Who wrote and who read a piece of memory last, within one group.</summary>
internal struct LaneRecord
{
    /// <summary>An access: its interval between barriers (16 bits), between synchronisations of its warp (16), warp (8), lane (8, 255: several),
    /// instruction (16). 0: none.</summary>
    public ulong Writer;

    /// <summary>The last read, and the last by another warp than that.</summary>
    public ulong Reader;

    public ulong OtherReader;
}

/// <summary>Which groups wrote and read a piece of memory in a launch, each as its number + 1; the smallest of each.</summary>
internal struct GroupRecord
{
    public int Lock;
    public uint Writer;
    public uint Reader;
    public uint OtherReader;
    public uint WriterAt;
    public uint ReaderAt;
    public uint OtherReaderAt;
}

/// <summary>Records for the pieces of one allocation, made in blocks as they are touched.</summary>
internal sealed unsafe class AccessShadow<T>(long pieces) : IDisposable
    where T : unmanaged
{
    private const int BlockShift = 10;

    private readonly nint[] _blocks = new nint[(pieces + (1 << BlockShift) - 1) >> BlockShift];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* At(long piece)
    {
        nint start = Volatile.Read(ref _blocks[piece >> BlockShift]);
        if (start == 0)
        {
            start = Create(piece >> BlockShift);
        }

        return (T*)start + (piece & ((1 << BlockShift) - 1));
    }

    private nint Create(long index)
    {
        lock (_blocks)
        {
            if (_blocks[index] == 0)
            {
                Volatile.Write(ref _blocks[index], (nint)NativeMemory.AllocZeroed(1 << BlockShift, (nuint)sizeof(T)));
            }

            return _blocks[index];
        }
    }

    public void Dispose()
    {
        foreach (nint block in _blocks)
        {
            NativeMemory.Free((void*)block);
        }

        Array.Clear(_blocks);
    }
}
