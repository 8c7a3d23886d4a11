using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Four dot products in the block formats: weights stay integers, and meet an input that was quantized once for all rows
/// (<see cref="QuantizedInput"/>). Integer sums are exact in any order, so only what follows them has one.
/// </summary>
/// <remarks>
/// <para>
/// Q8_0: lane j of 8 sums columns 2j, 2j + 1, 16 + 2j and 16 + 2j + 1 of a block of 32, and adds, block after block and by fused
/// multiply-add, this sum times both scales; the tree of <see cref="Reduction"/> adds the lanes.
/// </para>
/// <para>
/// Q4_0: a block of 32 has one sum; its quants enter as 0 to 15, and the 8 that each has too much is taken off by what the input knows of
/// itself. One chain of fused multiply-add takes the even blocks with their scales, another the odd ones; the two are added. So one
/// vector serves two blocks of four rows, and what is done to floats, and to the scales, is done once for eight blocks.
/// </para>
/// <para>
/// Rows to come that lie side by side are fetched one after the other, a quarter of this one's time each: a run of lines that follow each
/// other wakes the processor's own fetching, which then works from memory to the second cache while these requests wait only from there
/// on. Rows apart, as where neurons are skipped, are fetched together: they are too short for it to be of use before they end.
/// </para>
/// </remarks>
internal static unsafe class BlockDot
{
    /// <summary>Bytes of a Q8_0 block: scale, then 32 signed bytes.</summary>
    private const int Q8Block = 34;

    /// <summary>Bytes of a Q4_0 block: scale, then 16 bytes of two quants.</summary>
    private const int Q4Block = 18;

    private const int Q4Pair = 2 * Q4Block;

    private const int HalfMask = unchecked((int)0x8FFFFFFF);

    /// <summary>Q8_0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Q8(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        nint end = (nint)paddedColumns / 32 * Q8Block;
        nint quarter = (((nint)paddedColumns / 32) + 3) / 4 * Q8Block;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            var ahead = new BlocksAhead(in next, end, Q8Block);
            for (; o < end; ahead.NextRow())
            {
                for (nint stop = Math.Min(o + quarter, end); o < stop; o += Q8Block, input += QuantizedInput.SixteenBitBlock)
                {
                    ahead.Fetch();
                    if (Avx2.IsSupported && Fma.IsSupported)
                    {
                        Vector256<short> lo = Vector256.Load((short*)input);
                        Vector256<short> hi = Vector256.Load((short*)input + 16);
                        Vector256<float> scale = Vector256.Create(*(float*)(input + 64));
                        sum0 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Q8Sums(r0 + o, lo, hi)), Scale(r0 + o) * scale, sum0);
                        sum1 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Q8Sums(r1 + o, lo, hi)), Scale(r1 + o) * scale, sum1);
                        sum2 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Q8Sums(r2 + o, lo, hi)), Scale(r2 + o) * scale, sum2);
                        sum3 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Q8Sums(r3 + o, lo, hi)), Scale(r3 + o) * scale, sum3);
                    }
                    else
                    {
                        sum0 = AddQ8(r0 + o, input, sum0);
                        sum1 = AddQ8(r1 + o, input, sum1);
                        sum2 = AddQ8(r2 + o, input, sum2);
                        sum3 = AddQ8(r3 + o, input, sum3);
                    }
                }
            }
        }
        return Reduction.Sum4(sum0, sum1, sum2, sum3);
    }

    /// <summary>Q4_0. The two methods differ in the block that is left over: where there is one, its call costs the loop its registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Q4(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        (paddedColumns & 32) == 0
            ? Q4Pairs<EvenBlocks>(ref x, in rows, in next, paddedColumns)
            : Q4Pairs<OddBlocks>(ref x, in rows, in next, paddedColumns);

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
    private static Vector128<float> Q4Pairs<TCount>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where TCount : struct, IBlockCount
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector256<float> sum = default;
        nint end = (nint)paddedColumns / 64 * Q4Pair;
        nint quarter = (((nint)paddedColumns / 64) + 3) / 4 * Q4Pair;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                // Written out, constants in registers: the JIT copies what an inlined method is given, for every row anew.
                Vector256<byte> nibble = Vector256.Create((byte)15);
                Vector256<short> ones = Vector256.Create((short)1);
                Vector256<int> mask = Vector256.Create(HalfMask);
                Vector256<byte> place = Vector256.Create(
                    (byte)128, 128, 0, 1, 128, 128, 2, 3, 128, 128, 4, 5, 128, 128, 6, 7,
                    128, 128, 8, 9, 128, 128, 10, 11, 128, 128, 12, 13, 128, 128, 14, 15);
                var ahead = new BlocksAhead(in next, end, Q4Pair);
                for (; o < end; ahead.NextRow())
                {
                    for (nint stop = Math.Min(o + quarter, end); o < stop; o += Q4Pair, input += QuantizedInput.EightBitPair)
                    {
                        ahead.Fetch();

                        // A row's 16 sums of four products, up to 7,620 each: eight of the first block, eight of the second.
                        Vector256<sbyte> lo = Vector256.Load((sbyte*)input);
                        Vector256<sbyte> hi = Vector256.Load((sbyte*)input + 32);
                        Vector256<byte> quants = Vector256.Create(Vector128.Load(r0 + o + 2), Vector128.Load(r0 + o + Q4Block + 2));
                        Vector256<short> a = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r1 + o + 2), Vector128.Load(r1 + o + Q4Block + 2));
                        Vector256<short> b = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r2 + o + 2), Vector128.Load(r2 + o + Q4Block + 2));
                        Vector256<short> c = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                            + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                        quants = Vector256.Create(Vector128.Load(r3 + o + 2), Vector128.Load(r3 + o + Q4Block + 2));
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
                for (; o < end; o += Q4Pair, input += QuantizedInput.EightBitPair)
                {
                    Vector128<float> even = AddQ4(r0 + o, r1 + o, r2 + o, r3 + o, input, sum.GetLower());
                    nint p = o + Q4Block;
                    sum = Vector256.Create(even, AddQ4(r0 + p, r1 + p, r2 + p, r3 + p, input + 16, sum.GetUpper()));
                }
            }
            if (TCount.IsOdd)
                sum = sum.WithLower(AddQ4(r0 + o, r1 + o, r2 + o, r3 + o, input, sum.GetLower()));
        }
        return sum.GetLower() + sum.GetUpper();
    }

    /// <summary>What is asked for with every block, or pair of blocks, of four rows.</summary>
    private ref struct BlocksAhead
    {
        private readonly FourRows _rows;
        private readonly bool _together;
        private readonly nint _step;
        private readonly nint _second;
        private readonly nint _third;
        private readonly nint _fourth;
        private byte* _line;
        private int _row;

        /// <summary>Begins.</summary>
        /// <param name="rows">The rows to come.</param>
        /// <param name="rowBytes">Their length.</param>
        /// <param name="bytes">How much of each row is worked on at a time.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public BlocksAhead(in FourRows rows, nint rowBytes, nint bytes)
        {
            _rows = rows;
            _line = rows.First;
            _together = rows.Fourth - rows.First > 4 * rowBytes;
            _step = _together ? bytes : 4 * bytes;
            _second = _together ? (nint)(rows.Second - rows.First) : 64;
            _third = _together ? (nint)(rows.Third - rows.First) : 128;
            _fourth = _together ? (nint)(rows.Fourth - rows.First) : 128;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fetch()
        {
            Prefetch.Line(_line);
            Prefetch.Line(_line + _second);
            Prefetch.Line(_line + _third);
            Prefetch.Line(_line + _fourth);
            _line += _step;
        }

        /// <summary>After every quarter.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void NextRow()
        {
            if (_together)
                return;
            _row++;
            _line = _row == 1 ? _rows.Second : _row == 2 ? _rows.Third : _rows.Fourth;
        }
    }

    /// <summary>
    /// A block's scale in folded scale, in all lanes: the half's bits twice in each lane, shifted into a float's fields; the mask clears
    /// what the lower copy left and the copies of the sign.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scale(byte* block) =>
        (Avx2.ShiftRightArithmetic(Avx2.BroadcastScalarToVector256((short*)block).AsInt32(), 3)
            & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Q8Sums(byte* block, Vector256<short> lo, Vector256<short> hi) =>
        Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 2), lo)
            + Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 18), hi);

    /// <summary>Without AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddQ8(byte* block, byte* input, Vector256<float> sum)
    {
        Vector128<sbyte> first = Vector128.Load((sbyte*)block + 2);
        Vector128<sbyte> second = Vector128.Load((sbyte*)block + 18);
        Vector128<int> lower = PairSums(Vector128.WidenLower(first), Vector128.Load((short*)input))
            + PairSums(Vector128.WidenLower(second), Vector128.Load((short*)input + 16));
        Vector128<int> upper = PairSums(Vector128.WidenUpper(first), Vector128.Load((short*)input + 8))
            + PairSums(Vector128.WidenUpper(second), Vector128.Load((short*)input + 24));
        Vector128<float> scale = Vector128.Create(FoldedScale(block) * *(float*)(input + 64));
        return Vector256.Create(
            Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(lower), scale, sum.GetLower()),
            Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(upper), scale, sum.GetUpper()));
    }

    /// <summary>One block of four rows without AVX2, and any processor's last block of an odd number.</summary>
    /// <param name="a">First row's block.</param>
    /// <param name="b">Second row's.</param>
    /// <param name="c">Third row's.</param>
    /// <param name="d">Fourth row's.</param>
    /// <param name="input">The input's pair; 16 bytes on for the second block of one.</param>
    /// <param name="sum">The four rows' sums so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> AddQ4(byte* a, byte* b, byte* c, byte* d, byte* input, Vector128<float> sum)
    {
        Vector128<int> sums = AddPairs(AddPairs(Q4Sums(a, input), Q4Sums(b, input)), AddPairs(Q4Sums(c, input), Q4Sums(d, input)));
        Vector128<float> dots = Vector128.FusedMultiplyAdd(
            Vector128.ConvertToSingle(sums),
            Vector128.Load((float*)(input + QuantizedInput.EightBitScales)),
            Vector128.Load((float*)(input + QuantizedInput.EightBitExcess)));
        return Vector128.FusedMultiplyAdd(
            dots, Vector128.Create(FoldedScale(a), FoldedScale(b), FoldedScale(c), FoldedScale(d)), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Q4Sums(byte* block, byte* input)
    {
        Vector128<byte> quants = Vector128.Load(block + 2);
        Vector128<sbyte> lo = (quants & Vector128.Create((byte)15)).AsSByte();
        Vector128<sbyte> hi = (quants >>> 4).AsSByte();
        return QuadSums(lo, Vector128.Load((sbyte*)input)) + QuadSums(hi, Vector128.Load((sbyte*)input + 32));
    }

    /// <summary>Lane j: products 4j to 4j + 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> QuadSums(Vector128<sbyte> a, Vector128<sbyte> b)
    {
        if (Dp.IsSupported)
            return Dp.DotProduct(Vector128<int>.Zero, a, b);
        return AddPairs(
            PairSums(Vector128.WidenLower(a), Vector128.WidenLower(b)), PairSums(Vector128.WidenUpper(a), Vector128.WidenUpper(b)));
    }

    /// <summary>Lane j: products 2j and 2j + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> PairSums(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(a, b);
        if (AdvSimd.IsSupported)
        {
            return AddPairs(
                AdvSimd.MultiplyWideningLower(a.GetLower(), b.GetLower()), AdvSimd.MultiplyWideningUpper(a, b));
        }
        return AddPairs(Vector128.WidenLower(a) * Vector128.WidenLower(b), Vector128.WidenUpper(a) * Vector128.WidenUpper(b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> AddPairs(Vector128<int> lower, Vector128<int> upper)
    {
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(lower, upper);
        if (Ssse3.IsSupported)
            return Ssse3.HorizontalAdd(lower, upper);
        return Vector128.Create(
            lower.GetElement(0) + lower.GetElement(1),
            lower.GetElement(2) + lower.GetElement(3),
            upper.GetElement(0) + upper.GetElement(1),
            upper.GetElement(2) + upper.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float FoldedScale(byte* block) =>
        BitConverter.Int32BitsToSingle((Unsafe.ReadUnaligned<short>(block) << 13) & HalfMask);
}
