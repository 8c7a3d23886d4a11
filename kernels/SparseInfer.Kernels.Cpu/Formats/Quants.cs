using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>32 quants of four, five or six bits as bytes, in the order of their columns.</summary>
internal static unsafe class Quants
{
    /// <summary>Bytes of 32 quants of a neuron of a down matrix: four bits of each, then what is above.</summary>
    public static int Bytes(int highBits) => 16 + (4 * highBits);

    /// <summary>32 quants of a neuron of a down matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* source, int highBits) => highBits switch
    {
        0 => Four(source),
        1 => Five(source, Unsafe.ReadUnaligned<uint>(source + 16)),
        _ => Four(source) | (Twos(Unsafe.ReadUnaligned<ulong>(source + 16)).AsUInt16() << 4).AsByte(),
    };

    /// <summary>Writes what <see cref="Load"/> reads.</summary>
    public static void Store(ReadOnlySpan<byte> quants, byte* destination, int highBits)
    {
        for (int k = 0; k < 16; k++)
        {
            destination[k] = (byte)((quants[k] & 15) | (quants[k + 16] << 4));
        }

        ulong high = 0;
        for (int k = 0; k < 32; k++)
        {
            high |= (ulong)(quants[k] >> 4) << (highBits == 1 ? k : (k % 8 * 8) + (k / 8 * 2));
        }

        if (highBits == 1)
        {
            Unsafe.WriteUnaligned(destination + 16, (uint)high);
        }
        else if (highBits == 2)
        {
            Unsafe.WriteUnaligned(destination + 16, high);
        }
    }

    /// <summary>Four bits: byte k of 16 holds column k below column k + 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Four(byte* source)
    {
        Vector128<byte> pairs = Vector128.Load(source);
        return Vector256.Create(pairs, (pairs.AsUInt16() >>> 4).AsByte()) & Vector256.Create((byte)15);
    }

    /// <summary>The same with a fifth bit, column k's at place k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Five(byte* source, uint fifth)
    {
        Vector128<byte> bits = Vector128.Create(fifth).AsByte();
        return Four(source)
            | Vector256.Create(
                Spread(bits, Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)),
                Spread(bits, Vector128.Create((byte)2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3)));
    }

    /// <summary>Two bits: byte k of 8 holds columns k, k + 8, k + 16 and k + 24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Twos(ulong pairs) =>
        (Avx2.IsSupported
            ? Avx2.ShiftRightLogicalVariable(Vector256.Create(pairs), Vector256.Create(0UL, 2, 4, 6))
            : Vector256.Create(pairs, pairs >> 2, pairs >> 4, pairs >> 6)).AsByte() & Vector256.Create((byte)3);

    /// <summary>16 where a bit is set, of the bytes that are named eight times each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Spread(Vector128<byte> bits, Vector128<byte> named)
    {
        Vector128<byte> bit = Vector128.Create(0x8040_2010_0804_0201).AsByte();
        return Vector128.Equals(Vector128.Shuffle(bits, named) & bit, bit) & Vector128.Create((byte)16);
    }
}
