using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Counts the votes of a row, of any width: six counts of bits at a time, in bytes, which have room for 31 steps.</summary>
internal static unsafe class VoteCount
{
    /// <summary>Steps after which the counts in bytes, 8 a step at most, are widened.</summary>
    private const int Steps = 31;

    /// <summary>How far ahead lines of both planes are asked for; rows follow each other.</summary>
    private const int Ahead = 2048;

    /// <summary>What <see cref="Votes.Of(ulong, ulong, ulong, ulong, ulong, int)"/> says of all words of a row.</summary>
    /// <param name="signs">First byte of the row's signs; what follows it is asked for.</param>
    /// <param name="large">First byte of the bits of its magnitudes.</param>
    /// <param name="input">First byte of the packed input: three rows.</param>
    /// <param name="bytes">Length of a row, a multiple of 8.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Of(byte* signs, byte* large, byte* input, nint bytes, int outlierWeight) =>
        Vector512.IsHardwareAccelerated && Avx512BW.IsSupported ? Of512(signs, large, input, bytes, outlierWeight)
        : Avx2.IsSupported ? Of256(signs, large, input, bytes, outlierWeight)
        : AdvSimd.Arm64.IsSupported ? Of128(signs, large, input, bytes, outlierWeight)
        : OfWords(signs, large, input, 0, bytes, outlierWeight);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static long Of512(byte* signs, byte* large, byte* input, nint bytes, int outlierWeight)
    {
        Vector512<byte> nibble = Vector512.Create((byte)15);
        Vector512<byte> bits = Vector512.Create(Table(), Table());
        long votes = 0;
        nint at = 0;
        for (nint whole = bytes & -64; at < whole;)
        {
            Vector512<byte> differ = default, mixed = default, mixedDiffer = default, both = default, bothDiffer = default, outliersDiffer = default;
            for (nint end = Math.Min(at + (Steps * 64), whole); at < end; at += 64)
            {
                Sse.Prefetch0(signs + at + Ahead);
                Sse.Prefetch0(large + at + Ahead);
                Vector512<byte> d = Vector512.Load(signs + at) ^ Vector512.Load(input + at);
                Vector512<byte> ofRow = Vector512.Load(large + at);
                Vector512<byte> ofInput = Vector512.Load(input + bytes + at);
                Vector512<byte> m = ofRow ^ ofInput;
                Vector512<byte> b = ofRow & ofInput;
                differ += Count(d, bits, nibble);
                mixed += Count(m, bits, nibble);
                mixedDiffer += Count(d & m, bits, nibble);
                both += Count(b, bits, nibble);
                bothDiffer += Count(d & b, bits, nibble);
                outliersDiffer += Count(d & Vector512.Load(input + (2 * bytes) + at), bits, nibble);
            }

            votes += Votes.Of(Sum(differ), Sum(mixed), Sum(mixedDiffer), Sum(both), Sum(bothDiffer), Sum(outliersDiffer), outlierWeight);
        }

        return votes + OfWords(signs, large, input, at, bytes, outlierWeight);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static long Of256(byte* signs, byte* large, byte* input, nint bytes, int outlierWeight)
    {
        Vector256<byte> nibble = Vector256.Create((byte)15);
        Vector256<byte> bits = Table();
        long votes = 0;
        nint at = 0;
        for (nint whole = bytes & -32; at < whole;)
        {
            Vector256<byte> differ = default, mixed = default, mixedDiffer = default, both = default, bothDiffer = default, outliersDiffer = default;
            for (nint end = Math.Min(at + (Steps * 32), whole); at < end; at += 32)
            {
                Sse.Prefetch0(signs + at + Ahead);
                Sse.Prefetch0(large + at + Ahead);
                Vector256<byte> d = Vector256.Load(signs + at) ^ Vector256.Load(input + at);
                Vector256<byte> ofRow = Vector256.Load(large + at);
                Vector256<byte> ofInput = Vector256.Load(input + bytes + at);
                Vector256<byte> m = ofRow ^ ofInput;
                Vector256<byte> b = ofRow & ofInput;
                differ += Count(d, bits, nibble);
                mixed += Count(m, bits, nibble);
                mixedDiffer += Count(d & m, bits, nibble);
                both += Count(b, bits, nibble);
                bothDiffer += Count(d & b, bits, nibble);
                outliersDiffer += Count(d & Vector256.Load(input + (2 * bytes) + at), bits, nibble);
            }

            votes += Votes.Of(Sum(differ), Sum(mixed), Sum(mixedDiffer), Sum(both), Sum(bothDiffer), Sum(outliersDiffer), outlierWeight);
        }

        return votes + OfWords(signs, large, input, at, bytes, outlierWeight);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static long Of128(byte* signs, byte* large, byte* input, nint bytes, int outlierWeight)
    {
        long votes = 0;
        nint at = 0;
        for (nint whole = bytes & -16; at < whole;)
        {
            Vector128<byte> differ = default, mixed = default, mixedDiffer = default, both = default, bothDiffer = default, outliersDiffer = default;
            for (nint end = Math.Min(at + (Steps * 16), whole); at < end; at += 16)
            {
                Vector128<byte> d = Vector128.Load(signs + at) ^ Vector128.Load(input + at);
                Vector128<byte> ofRow = Vector128.Load(large + at);
                Vector128<byte> ofInput = Vector128.Load(input + bytes + at);
                Vector128<byte> m = ofRow ^ ofInput;
                Vector128<byte> b = ofRow & ofInput;
                differ += AdvSimd.PopCount(d);
                mixed += AdvSimd.PopCount(m);
                mixedDiffer += AdvSimd.PopCount(d & m);
                both += AdvSimd.PopCount(b);
                bothDiffer += AdvSimd.PopCount(d & b);
                outliersDiffer += AdvSimd.PopCount(d & Vector128.Load(input + (2 * bytes) + at));
            }

            votes += Votes.Of(Sum(differ), Sum(mixed), Sum(mixedDiffer), Sum(both), Sum(bothDiffer), Sum(outliersDiffer), outlierWeight);
        }

        return votes + OfWords(signs, large, input, at, bytes, outlierWeight);
    }

    /// <summary>The words that are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long OfWords(byte* signs, byte* large, byte* input, nint at, nint bytes, int outlierWeight)
    {
        long votes = 0;
        for (; at < bytes; at += sizeof(ulong))
        {
            votes += Votes.Of(
                *(ulong*)(input + at), *(ulong*)(input + bytes + at), *(ulong*)(input + (2 * bytes) + at), *(ulong*)(signs + at), *(ulong*)(large + at), outlierWeight);
        }

        return votes;
    }

    /// <summary>Bits of each half of a byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Table() => Vector256.Create(
        (byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Count(Vector512<byte> value, Vector512<byte> bits, Vector512<byte> nibble) =>
        Avx512BW.Shuffle(bits, value & nibble) + Avx512BW.Shuffle(bits, Avx512BW.ShiftRightLogical(value.AsUInt16(), 4).AsByte() & nibble);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Count(Vector256<byte> value, Vector256<byte> bits, Vector256<byte> nibble) =>
        Avx2.Shuffle(bits, value & nibble) + Avx2.Shuffle(bits, Avx2.ShiftRightLogical(value.AsUInt16(), 4).AsByte() & nibble);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector512<byte> counts)
    {
        Vector512<long> sums = Avx512BW.SumAbsoluteDifferences(counts, Vector512<byte>.Zero).AsInt64();
        return Sum(sums.GetLower() + sums.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector256<byte> counts) => Sum(Avx2.SumAbsoluteDifferences(counts, Vector256<byte>.Zero).AsInt64());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector256<long> sums)
    {
        Vector128<long> halves = sums.GetLower() + sums.GetUpper();
        return (int)(halves.GetElement(0) + halves.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector128<byte> counts) => AdvSimd.Arm64.AddAcrossWidening(counts).ToScalar();
}
