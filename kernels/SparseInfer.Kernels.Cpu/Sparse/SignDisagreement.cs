using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Counts the places where two rows of packed signs disagree, as fast as memory delivers one of them: vectors count bits in bytes, which a
/// byte has room for over 31 steps. (.NET has no access to AVX-512's own count of bits.)
/// </summary>
internal static unsafe class SignDisagreement
{
    /// <summary>Steps after which the counts in bytes, 8 a step at most, are widened.</summary>
    private const int Steps = 31;

    /// <summary>
    /// How far ahead of the count lines are asked for. Rows follow each other, and the block after this one begins where this one ends: the
    /// first of its lines are fetched before its predecessor's weights are.
    /// </summary>
    private const int Ahead = 2048;

    /// <summary>Number of bits that differ.</summary>
    /// <param name="row">First byte of a row of a plane; what follows it is asked for.</param>
    /// <param name="signs">First byte of the input's signs.</param>
    /// <param name="bytes">Length of both, a multiple of 8.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Count(byte* row, byte* signs, nint bytes)
    {
        nint at = 0;
        int count = 0;
        if (Avx2.IsSupported)
        {
            Vector256<byte> nibble = Vector256.Create((byte)15);
            Vector256<byte> bits = Vector256.Create(
                (byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
            Vector256<long> sums = Vector256<long>.Zero;
            nint whole = bytes & -64;
            while (at < whole)
            {
                Vector256<byte> lower = Vector256<byte>.Zero;
                Vector256<byte> upper = Vector256<byte>.Zero;
                for (nint end = Math.Min(at + (Steps * 64), whole); at < end; at += 64)
                {
                    Sse.Prefetch0(row + at + Ahead);
                    Vector256<byte> differ = Vector256.Load(row + at) ^ Vector256.Load(signs + at);
                    lower += Avx2.Shuffle(bits, differ & nibble);
                    upper += Avx2.Shuffle(bits, Avx2.ShiftRightLogical(differ.AsUInt16(), 4).AsByte() & nibble);
                    differ = Vector256.Load(row + at + 32) ^ Vector256.Load(signs + at + 32);
                    lower += Avx2.Shuffle(bits, differ & nibble);
                    upper += Avx2.Shuffle(bits, Avx2.ShiftRightLogical(differ.AsUInt16(), 4).AsByte() & nibble);
                }

                sums += (Avx2.SumAbsoluteDifferences(lower, Vector256<byte>.Zero)
                    + Avx2.SumAbsoluteDifferences(upper, Vector256<byte>.Zero)).AsInt64();
            }

            Vector128<long> halves = sums.GetLower() + sums.GetUpper();
            count = (int)(halves.GetElement(0) + halves.GetElement(1));
        }
        else if (AdvSimd.Arm64.IsSupported)
        {
            nint whole = bytes & -32;
            while (at < whole)
            {
                Vector128<byte> first = Vector128<byte>.Zero;
                Vector128<byte> second = Vector128<byte>.Zero;
                for (nint end = Math.Min(at + (Steps * 32), whole); at < end; at += 32)
                {
                    first += AdvSimd.PopCount(Vector128.Load(row + at) ^ Vector128.Load(signs + at));
                    second += AdvSimd.PopCount(Vector128.Load(row + at + 16) ^ Vector128.Load(signs + at + 16));
                }

                count += AdvSimd.Arm64.AddAcrossWidening(first).ToScalar() + AdvSimd.Arm64.AddAcrossWidening(second).ToScalar();
            }
        }

        for (; at < bytes; at += sizeof(ulong))
        {
            count += BitOperations.PopCount(*(ulong*)(row + at) ^ *(ulong*)(signs + at));
        }

        return count;
    }
}
