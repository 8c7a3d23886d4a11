using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q4_0's dot products. A block of 32 has one sum; its quants enter as 0 to 15, and the 8 that each has too much is taken off by what the input
/// knows of itself. One chain of fused multiply-add takes the even blocks with their scales, another the odd ones; the two are added. So one
/// vector serves two blocks of four rows, and what is done to floats, and to the scales, is done once for eight blocks.
/// </summary>
internal static unsafe class Q4Dot
{
    private const int PairBytes = 2 * Q4_0.Block;

    /// <summary>
    /// Four rows at once. The two methods differ in the block that is left over: where there is one, its call costs the loop its registers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        (paddedColumns & 32) == 0
            ? Pairs<EvenBlocks>(ref x, in rows, in next, paddedColumns)
            : Pairs<OddBlocks>(ref x, in rows, in next, paddedColumns);

    private interface IBlockCount
    {
        static abstract bool IsOdd { get; }
    }

    private readonly struct EvenBlocks : IBlockCount
    {
        public static bool IsOdd => false;
    }

    private readonly struct OddBlocks : IBlockCount
    {
        public static bool IsOdd => true;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> Pairs<TCount>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where TCount : struct, IBlockCount
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector256<float> sum = default;
        nint end = (nint)paddedColumns / 64 * PairBytes;
        nint quarter = (((nint)paddedColumns / 64) + 3) / 4 * PairBytes;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                // Written out, constants in registers: the JIT copies what an inlined method is given, for every row anew.
                Vector256<byte> nibble = Vector256.Create((byte)15);
                Vector256<short> ones = Vector256.Create((short)1);
                Vector256<int> mask = Vector256.Create(BlockDot.HalfMask);
                Vector256<byte> place = Vector256.Create(
                    (byte)128, 128, 0, 1, 128, 128, 2, 3, 128, 128, 4, 5, 128, 128, 6, 7,
                    128, 128, 8, 9, 128, 128, 10, 11, 128, 128, 12, 13, 128, 128, 14, 15);
                var ahead = new BlocksAhead(in next, end, PairBytes);
                for (; o < end; ahead.NextRow())
                {
                    for (nint stop = Math.Min(o + quarter, end); o < stop; o += PairBytes, input += QuantizedInput.EightBitPair)
                    {
                        ahead.Fetch();

                        // A row's 16 sums of four products, up to 7,620 each: eight of the first block, eight of the second.
                        Vector256<sbyte> lo = Vector256.Load((sbyte*)input);
                        Vector256<sbyte> hi = Vector256.Load((sbyte*)input + 32);
                        Vector256<byte> quants = Vector256.Create(Vector128.Load(r0 + o + 2), Vector128.Load(r0 + o + Q4_0.Block + 2));
                        Vector256<short> a = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r1 + o + 2), Vector128.Load(r1 + o + Q4_0.Block + 2));
                        Vector256<short> b = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r2 + o + 2), Vector128.Load(r2 + o + Q4_0.Block + 2));
                        Vector256<short> c = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r3 + o + 2), Vector128.Load(r3 + o + Q4_0.Block + 2));
                        Vector256<short> d = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);

                        // Added until each block of each row has two, up to 30,480: 16 bits hold them to the end, and one vector four rows.
                        a = Avx2.AlignRight(b, a, 8) + Avx2.Blend(a.AsInt32(), b.AsInt32(), 0b1100_1100).AsInt16();
                        c = Avx2.AlignRight(d, c, 8) + Avx2.Blend(c.AsInt32(), d.AsInt32(), 0b1100_1100).AsInt16();
                        a = Avx.Shuffle(a.AsSingle(), c.AsSingle(), 0b10_00_10_00).AsInt16()
                            + Avx.Shuffle(a.AsSingle(), c.AsSingle(), 0b11_01_11_01).AsInt16();
                        Vector256<float> dots = Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(a, ones));
                        dots = Fma.MultiplyAdd(
                            dots,
                            Vector256.Load((float*)(input + QuantizedInput.EightBitScales)),
                            Vector256.Load((float*)(input + QuantizedInput.EightBitExcess)));

                        // Of a pair's first 32 bytes the first block's scale is word 0 of the lower half, the second's word 1 of the upper.
                        Vector256<int> ab = Avx2.UnpackLow(Vector256.Load((short*)(r0 + o)), Vector256.Load((short*)(r1 + o))).AsInt32();
                        Vector256<int> cd = Avx2.UnpackLow(Vector256.Load((short*)(r2 + o)), Vector256.Load((short*)(r3 + o))).AsInt32();
                        Vector256<int> halves = Avx2.Shuffle(Avx2.UnpackLow(ab, cd).AsByte(), place).AsInt32();
                        sum = Fma.MultiplyAdd(dots, (Avx2.ShiftRightArithmetic(halves, 3) & mask).AsSingle(), sum);
                    }
                }
            }
            else
            {
                for (; o < end; o += PairBytes, input += QuantizedInput.EightBitPair)
                {
                    Vector128<float> even = Add(r0 + o, r1 + o, r2 + o, r3 + o, input, sum.GetLower());
                    nint p = o + Q4_0.Block;
                    sum = Vector256.Create(even, Add(r0 + p, r1 + p, r2 + p, r3 + p, input + 16, sum.GetUpper()));
                }
            }

            if (TCount.IsOdd)
            {
                sum = sum.WithLower(Add(r0 + o, r1 + o, r2 + o, r3 + o, input, sum.GetLower()));
            }
        }

        return sum.GetLower() + sum.GetUpper();
    }

    /// <summary>One block of four rows without AVX2, and any processor's last block of an odd number.</summary>
    /// <param name="a">First row's block.</param>
    /// <param name="b">Second row's.</param>
    /// <param name="c">Third row's.</param>
    /// <param name="d">Fourth row's.</param>
    /// <param name="input">The input's pair; 16 bytes on for the second block of one.</param>
    /// <param name="sum">The four rows' sums so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(byte* a, byte* b, byte* c, byte* d, byte* input, Vector128<float> sum)
    {
        Vector128<int> sums = BlockDot.AddPairs(
            BlockDot.AddPairs(Sums(a, input), Sums(b, input)), BlockDot.AddPairs(Sums(c, input), Sums(d, input)));
        Vector128<float> dots = Vector128.FusedMultiplyAdd(
            Vector128.ConvertToSingle(sums),
            Vector128.Load((float*)(input + QuantizedInput.EightBitScales)),
            Vector128.Load((float*)(input + QuantizedInput.EightBitExcess)));
        return Vector128.FusedMultiplyAdd(
            dots,
            Vector128.Create(BlockDot.FoldedScale(a), BlockDot.FoldedScale(b), BlockDot.FoldedScale(c), BlockDot.FoldedScale(d)),
            sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Sums(byte* block, byte* input)
    {
        Vector128<byte> quants = Vector128.Load(block + 2);
        Vector128<sbyte> lo = (quants & Vector128.Create((byte)15)).AsSByte();
        Vector128<sbyte> hi = (quants >>> 4).AsSByte();
        return BlockDot.QuadSums(lo, Vector128.Load((sbyte*)input)) + BlockDot.QuadSums(hi, Vector128.Load((sbyte*)input + 32));
    }
}
