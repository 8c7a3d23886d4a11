using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Four dot products in the block formats: weights stay integers, and meet an input that was quantized once for all rows
/// (<see cref="QuantizedInput"/>). Integer sums are exact in any order, so only what follows them has one: lane j of 8 adds, block after
/// block and by fused multiply-add, its integer sum times the block's scale; the tree of <see cref="Reduction"/> adds the lanes.
/// </summary>
/// <remarks>
/// Q8_0: lane j sums columns 2j, 2j + 1, 16 + 2j and 16 + 2j + 1 of a block of 32. Q4_0 takes blocks in pairs: lanes 0 to 3 sum columns
/// 4j to 4j + 3 and 16 + 4j to 16 + 4j + 3 of the first, lanes 4 to 7 the same of the second; its quants enter as 0 to 15, and the 8 that each has too much
/// is taken off by what the input knows of itself.
/// </remarks>
internal static unsafe class BlockDot
{
    /// <summary>Bytes of a Q8_0 block: scale, then 32 signed bytes.</summary>
    private const int Q8Block = 34;

    /// <summary>Bytes of a Q4_0 block: scale, then 16 bytes of two quants.</summary>
    private const int Q4Block = 18;

    private const int HalfMask = unchecked((int)0x8FFFFFFF);

    /// <summary>Q8_0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Q8(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        nint end = (nint)paddedColumns / 32 * Q8Block;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            for (nint o = 0; o < end; o += Q8Block, input += QuantizedInput.SixteenBitBlock)
            {
                // A line is 64 bytes: every block asks for the line it begins in, and every line is asked for.
                Prefetch.Line(n0 + o);
                Prefetch.Line(n1 + o);
                Prefetch.Line(n2 + o);
                Prefetch.Line(n3 + o);
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
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        nint end = (nint)paddedColumns / 64 * (2 * Q4Block);
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            nint o = 0;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                // Written out, constants in registers: the JIT copies what an inlined method is given, for every row anew.
                Vector256<byte> nibble = Vector256.Create((byte)15);
                Vector256<short> ones = Vector256.Create((short)1);
                Vector256<int> mask = Vector256.Create(HalfMask);

                // The first block's scale is in the lower 16 of a pair's first 32 bytes, the second's in the upper: one shuffle puts both in the
                // upper halves of four floats each.
                Vector256<byte> place = Vector256.Create(
                    (byte)128, 128, 0, 1, 128, 128, 0, 1, 128, 128, 0, 1, 128, 128, 0, 1,
                    128, 128, 2, 3, 128, 128, 2, 3, 128, 128, 2, 3, 128, 128, 2, 3);
                for (; o < end; o += 2 * Q4Block, input += QuantizedInput.EightBitPair)
                {
                    Sse.Prefetch0(n0 + o);
                    Sse.Prefetch0(n1 + o);
                    Sse.Prefetch0(n2 + o);
                    Sse.Prefetch0(n3 + o);
                    Vector256<sbyte> lo = Vector256.Load((sbyte*)input);
                    Vector256<sbyte> hi = Vector256.Load((sbyte*)input + 32);
                    byte* scales = input + QuantizedInput.EightBitScales;
                    byte* excess = input + QuantizedInput.EightBitExcess;
                    Vector256<byte> quants;
                    Vector256<short> pairs;
                    Vector256<float> quads;
                    Vector256<int> halves;
                    quants = Vector256.Create(Vector128.Load(r0 + o + 2), Vector128.Load(r0 + o + Q4Block + 2));
                    pairs = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                        + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                    quads = Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(pairs, ones));
                    quads = Fma.MultiplyAdd(quads, Vector256.Load((float*)scales), Vector256.Load((float*)excess));
                    halves = Avx2.ShiftRightArithmetic(Avx2.Shuffle(Vector256.Load(r0 + o), place).AsInt32(), 3);
                    sum0 = Fma.MultiplyAdd((halves & mask).AsSingle(), quads, sum0);

                    quants = Vector256.Create(Vector128.Load(r1 + o + 2), Vector128.Load(r1 + o + Q4Block + 2));
                    pairs = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                        + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                    quads = Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(pairs, ones));
                    quads = Fma.MultiplyAdd(quads, Vector256.Load((float*)scales), Vector256.Load((float*)excess));
                    halves = Avx2.ShiftRightArithmetic(Avx2.Shuffle(Vector256.Load(r1 + o), place).AsInt32(), 3);
                    sum1 = Fma.MultiplyAdd((halves & mask).AsSingle(), quads, sum1);

                    quants = Vector256.Create(Vector128.Load(r2 + o + 2), Vector128.Load(r2 + o + Q4Block + 2));
                    pairs = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                        + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                    quads = Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(pairs, ones));
                    quads = Fma.MultiplyAdd(quads, Vector256.Load((float*)scales), Vector256.Load((float*)excess));
                    halves = Avx2.ShiftRightArithmetic(Avx2.Shuffle(Vector256.Load(r2 + o), place).AsInt32(), 3);
                    sum2 = Fma.MultiplyAdd((halves & mask).AsSingle(), quads, sum2);

                    quants = Vector256.Create(Vector128.Load(r3 + o + 2), Vector128.Load(r3 + o + Q4Block + 2));
                    pairs = Avx2.MultiplyAddAdjacent(quants & nibble, lo)
                        + Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(quants.AsUInt16(), 4).AsByte() & nibble, hi);
                    quads = Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(pairs, ones));
                    quads = Fma.MultiplyAdd(quads, Vector256.Load((float*)scales), Vector256.Load((float*)excess));
                    halves = Avx2.ShiftRightArithmetic(Avx2.Shuffle(Vector256.Load(r3 + o), place).AsInt32(), 3);
                    sum3 = Fma.MultiplyAdd((halves & mask).AsSingle(), quads, sum3);
                }
            }
            for (; o < end; o += 2 * Q4Block, input += QuantizedInput.EightBitPair)
            {
                sum0 = AddQ4(r0 + o, r0 + o + Q4Block, input, sum0);
                sum1 = AddQ4(r1 + o, r1 + o + Q4Block, input, sum1);
                sum2 = AddQ4(r2 + o, r2 + o + Q4Block, input, sum2);
                sum3 = AddQ4(r3 + o, r3 + o + Q4Block, input, sum3);
            }
            if (TCount.IsOdd)
            {
                // A last block alone: the second of its pair is itself again, with an input of zeros.
                sum0 = AddQ4(r0 + o, r0 + o, input, sum0);
                sum1 = AddQ4(r1 + o, r1 + o, input, sum1);
                sum2 = AddQ4(r2 + o, r2 + o, input, sum2);
                sum3 = AddQ4(r3 + o, r3 + o, input, sum3);
            }
        }
        return Reduction.Sum4(sum0, sum1, sum2, sum3);
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

    /// <summary>Without AVX2, and any processor's last block of an odd number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddQ4(byte* first, byte* second, byte* input, Vector256<float> sum)
    {
        float* scales = (float*)(input + QuantizedInput.EightBitScales);
        float* excess = (float*)(input + QuantizedInput.EightBitExcess);
        Vector128<float> lower = Vector128.FusedMultiplyAdd(
            Vector128.ConvertToSingle(Q4Sums(first, input)), Vector128.Load(scales), Vector128.Load(excess));
        Vector128<float> upper = Vector128.FusedMultiplyAdd(
            Vector128.ConvertToSingle(Q4Sums(second, input + 16)), Vector128.Load(scales + 4), Vector128.Load(excess + 4));
        return Vector256.Create(
            Vector128.FusedMultiplyAdd(lower, Vector128.Create(FoldedScale(first)), sum.GetLower()),
            Vector128.FusedMultiplyAdd(upper, Vector128.Create(FoldedScale(second)), sum.GetUpper()));
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
