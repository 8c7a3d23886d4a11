using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q8_0's dot products. A block of 32 has one sum of integers, rounded once where it has more than 24 bits. One chain of fused multiply-add takes the
/// even blocks with both scales, another the odd ones; the two are added. So what is done to floats, and to scales, is done once for two blocks of
/// four rows.
/// </summary>
internal static unsafe class Q8Dot
{
    private const int PairBytes = 2 * Q8_0.Block;

    private const int InputPair = 2 * QuantizedInput.SixteenBitBlock;

    private const int Step = 64;

    /// <summary>Four rows at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        nint end = (nint)paddedColumns / 64 * PairBytes;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            Vector128<float> even = default, odd = default;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                // Neighbours are the two blocks of a row.
                Vector256<float> sum = Pairs(input, r0, r1, r2, r3, in next, end);
                even = Avx.Shuffle(sum.GetLower(), sum.GetUpper(), 0b10_00_10_00);
                odd = Avx.Shuffle(sum.GetLower(), sum.GetUpper(), 0b11_01_11_01);
            }
            else
            {
                for (nint o = 0; o < end; o += PairBytes, input += InputPair)
                {
                    even = Add(r0 + o, r1 + o, r2 + o, r3 + o, input, even);
                    nint p = o + Q8_0.Block;
                    odd = Add(r0 + p, r1 + p, r2 + p, r3 + p, input + QuantizedInput.SixteenBitBlock, odd);
                }
            }

            if ((paddedColumns & 32) != 0)
            {
                even = Add(
                    r0 + end, r1 + end, r2 + end, r3 + end, (byte*)prepared + (end / PairBytes * InputPair), even);
            }

            return even + odd;
        }
    }

    /// <summary>Pairs of blocks: each row's two sums side by side. Written out: what is inlined too often becomes calls.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Pairs(byte* input, byte* r0, byte* r1, byte* r2, byte* r3, in FourRows next, nint end)
    {
        Vector256<float> sum = default;
        Vector256<int> mask = Vector256.Create(BlockDot.HalfMask);
        nint quarter = ((end / PairBytes) + 3) / 4 * PairBytes;
        var ahead = new BlocksAhead(in next, end, PairBytes, alwaysTogether: true);
        for (nint o = 0; o < end; ahead.NextRow())
        {
            for (nint stop = Math.Min(o + quarter, end); o < stop; o += PairBytes, input += InputPair)
            {
                ahead.Fetch();
                Vector256<short> x0 = Vector256.Load((short*)input);
                Vector256<short> x1 = Vector256.Load((short*)input + 16);
                Vector256<short> x2 = Vector256.Load((short*)(input + QuantizedInput.SixteenBitBlock));
                Vector256<short> x3 = Vector256.Load((short*)(input + QuantizedInput.SixteenBitBlock) + 16);

                // In each half two sums of a row's first block, then two of its second.
                Vector256<int> a = Sums(r0 + o, x0, x1);
                Vector256<int> second = Sums(r0 + o + Q8_0.Block, x2, x3);
                a = Avx2.AlignRight(second, a, 8) + Avx2.Blend(a, second, 0b1100_1100);
                Vector256<int> b = Sums(r1 + o, x0, x1);
                second = Sums(r1 + o + Q8_0.Block, x2, x3);
                b = Avx2.AlignRight(second, b, 8) + Avx2.Blend(b, second, 0b1100_1100);
                Vector256<int> c = Sums(r2 + o, x0, x1);
                second = Sums(r2 + o + Q8_0.Block, x2, x3);
                c = Avx2.AlignRight(second, c, 8) + Avx2.Blend(c, second, 0b1100_1100);
                Vector256<int> d = Sums(r3 + o, x0, x1);
                second = Sums(r3 + o + Q8_0.Block, x2, x3);
                d = Avx2.AlignRight(second, d, 8) + Avx2.Blend(d, second, 0b1100_1100);

                // One sum a block, in each half of two rows; then of four.
                a = Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b10_00_10_00).AsInt32()
                    + Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b11_01_11_01).AsInt32();
                c = Avx.Shuffle(c.AsSingle(), d.AsSingle(), 0b10_00_10_00).AsInt32()
                    + Avx.Shuffle(c.AsSingle(), d.AsSingle(), 0b11_01_11_01).AsInt32();
                Vector256<float> dots = Avx.ConvertToVector256Single(Avx2.Permute2x128(a, c, 0x21) + Avx2.Blend(a, c, 0b1111_0000));

                // The scales: words of four rows' first blocks between those of their second.
                Vector128<int> first = Sse2.UnpackLow(
                    Sse2.UnpackLow(Vector128.Load((short*)(r0 + o)), Vector128.Load((short*)(r1 + o))).AsInt32(),
                    Sse2.UnpackLow(Vector128.Load((short*)(r2 + o)), Vector128.Load((short*)(r3 + o))).AsInt32());
                nint p = o + Q8_0.Block;
                Vector128<int> other = Sse2.UnpackLow(
                    Sse2.UnpackLow(Vector128.Load((short*)(r0 + p)), Vector128.Load((short*)(r1 + p))).AsInt32(),
                    Sse2.UnpackLow(Vector128.Load((short*)(r2 + p)), Vector128.Load((short*)(r3 + p))).AsInt32());
                Vector256<int> halves = Avx2.ConvertToVector256Int32(Sse2.UnpackLow(first.AsInt16(), other.AsInt16()));
                Vector256<float> steps = Avx.Blend(
                    Vector256.Create(*(float*)(input + Step)),
                    Vector256.Create(*(float*)(input + QuantizedInput.SixteenBitBlock + Step)),
                    0b1010_1010);
                sum = Fma.MultiplyAdd(dots, (Avx2.ShiftLeftLogical(halves, 13) & mask).AsSingle() * steps, sum);
            }
        }

        return sum;
    }

    /// <summary>A block's eight sums of four products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sums(byte* block, Vector256<short> lo, Vector256<short> hi) =>
        Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 2), lo)
            + Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 18), hi);

    /// <summary>One block of four rows without AVX2, and any processor's last block of an odd number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(byte* a, byte* b, byte* c, byte* d, byte* input, Vector128<float> sum)
    {
        Vector128<int> sums = BlockDot.AddPairs(
            BlockDot.AddPairs(BlockSums(a, input), BlockSums(b, input)), BlockDot.AddPairs(BlockSums(c, input), BlockSums(d, input)));
        return Vector128.FusedMultiplyAdd(
            Vector128.ConvertToSingle(sums),
            Vector128.Create(BlockDot.FoldedScale(a), BlockDot.FoldedScale(b), BlockDot.FoldedScale(c), BlockDot.FoldedScale(d))
                * *(float*)(input + Step),
            sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> BlockSums(byte* block, byte* input)
    {
        Vector128<sbyte> first = Vector128.Load((sbyte*)block + 2);
        Vector128<sbyte> second = Vector128.Load((sbyte*)block + 18);
        return BlockDot.PairSums(Vector128.WidenLower(first), Vector128.Load((short*)input))
            + BlockDot.PairSums(Vector128.WidenUpper(first), Vector128.Load((short*)input + 8))
            + (BlockDot.PairSums(Vector128.WidenLower(second), Vector128.Load((short*)input + 16))
                + BlockDot.PairSums(Vector128.WidenUpper(second), Vector128.Load((short*)input + 24)));
    }
}
