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
        Vector128<float> even = default, odd = default;
        nint end = (nint)paddedColumns / 64 * PairBytes;
        nint quarter = (((nint)paddedColumns / 64) + 3) / 4 * PairBytes;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                // Neighbours are the two blocks of a row.
                Vector256<float> sum = default;
                var ahead = new BlocksAhead(in next, end, PairBytes);
                for (; o < end; ahead.NextRow())
                {
                    for (nint stop = Math.Min(o + quarter, end); o < stop; o += PairBytes, input += InputPair)
                    {
                        ahead.Fetch();
                        Vector256<short> x0 = Vector256.Load((short*)input);
                        Vector256<short> x1 = Vector256.Load((short*)input + 16);
                        Vector256<short> x2 = Vector256.Load((short*)(input + QuantizedInput.SixteenBitBlock));
                        Vector256<short> x3 = Vector256.Load((short*)(input + QuantizedInput.SixteenBitBlock) + 16);
                        Vector256<int> a = Both(Halves(r0 + o, x0, x1, x2, x3), Halves(r1 + o, x0, x1, x2, x3));
                        Vector256<int> b = Both(Halves(r2 + o, x0, x1, x2, x3), Halves(r3 + o, x0, x1, x2, x3));
                        Vector256<float> dots = Avx.ConvertToVector256Single(
                            Avx2.Permute2x128(a, b, 0x21) + Avx2.Blend(a, b, 0b1111_0000));
                        Vector256<float> steps = Avx.Blend(
                            Vector256.Create(*(float*)(input + Step)),
                            Vector256.Create(*(float*)(input + QuantizedInput.SixteenBitBlock + Step)),
                            0b1010_1010);
                        sum = Fma.MultiplyAdd(dots, Scales(r0 + o, r1 + o, r2 + o, r3 + o) * steps, sum);
                    }
                }

                even = Avx.Shuffle(sum.GetLower(), sum.GetUpper(), 0b10_00_10_00);
                odd = Avx.Shuffle(sum.GetLower(), sum.GetUpper(), 0b11_01_11_01);
            }
            else
            {
                for (; o < end; o += PairBytes, input += InputPair)
                {
                    even = Add(r0 + o, r1 + o, r2 + o, r3 + o, input, even);
                    nint p = o + Q8_0.Block;
                    odd = Add(r0 + p, r1 + p, r2 + p, r3 + p, input + QuantizedInput.SixteenBitBlock, odd);
                }
            }

            if ((paddedColumns & 32) != 0)
            {
                even = Add(r0 + o, r1 + o, r2 + o, r3 + o, input, even);
            }
        }

        return even + odd;
    }

    /// <summary>A pair of blocks of a row: in each half two sums of the first, then two of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Halves(byte* pair, Vector256<short> x0, Vector256<short> x1, Vector256<short> x2, Vector256<short> x3)
    {
        sbyte* quants = (sbyte*)pair + sizeof(ushort);
        Vector256<int> first = Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(quants), x0)
            + Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(quants + 16), x1);
        Vector256<int> second = Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(quants + Q8_0.Block), x2)
            + Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(quants + Q8_0.Block + 16), x3);
        return Avx2.AlignRight(second, first, 8) + Avx2.Blend(first, second, 0b1100_1100);
    }

    /// <summary>Two rows: in each half the first's sum of the first block and of the second, then the second row's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Both(Vector256<int> a, Vector256<int> b) =>
        Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b10_00_10_00).AsInt32() + Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0b11_01_11_01).AsInt32();

    /// <summary>Four rows' folded scales of two blocks, these side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scales(byte* r0, byte* r1, byte* r2, byte* r3)
    {
        Vector128<short> first = Sse2.UnpackLow(
            Sse2.UnpackLow(Vector128.Load((short*)r0), Vector128.Load((short*)r1)).AsInt32(),
            Sse2.UnpackLow(Vector128.Load((short*)r2), Vector128.Load((short*)r3)).AsInt32()).AsInt16();
        Vector128<short> second = Sse2.UnpackLow(
            Sse2.UnpackLow(Vector128.Load((short*)(r0 + Q8_0.Block)), Vector128.Load((short*)(r1 + Q8_0.Block))).AsInt32(),
            Sse2.UnpackLow(Vector128.Load((short*)(r2 + Q8_0.Block)), Vector128.Load((short*)(r3 + Q8_0.Block))).AsInt32()).AsInt16();
        Vector256<int> halves = Avx2.ConvertToVector256Int32(Sse2.UnpackLow(first, second));
        return (Avx2.ShiftLeftLogical(halves, 13) & Vector256.Create(BlockDot.HalfMask)).AsSingle();
    }

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
