using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Dot products of <see cref="Q5_0"/> and <see cref="Q5_1"/>. A block of 32 has one sum of integers; its quants enter as 0 to 31, and what each has too
/// much is taken off by what the input knows of itself, as a minimum is added. One chain of fused multiply-add takes the even blocks with their
/// scales, another the odd ones; the two are added.
/// </summary>
internal static unsafe class FiveBitDot
{
    /// <summary>How many times the excess that inputs know, 8, these quants have.</summary>
    private const float ExcessRatio = 2;

    /// <summary>What makes the sum of an input's block of the excess that it knows.</summary>
    public const float SumOfExcess = -0.125f;

    /// <summary>Four rows at once.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector128<float> Four<T>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where T : struct, IQuantFormat
    {
        int pairBytes = 2 * T.BlockBytes;
        nint end = (nint)paddedColumns / 64 * pairBytes;
        nint quarter = (((nint)paddedColumns / 64) + 3) / 4 * pairBytes;
        byte** row = stackalloc byte*[4] { rows.First, rows.Second, rows.Third, rows.Fourth };
        Vector256<int>* sums = stackalloc Vector256<int>[4];
        Vector256<float> sum = default;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                var ahead = new BlocksAhead(in next, end, pairBytes);
                for (; o < end; ahead.NextRow())
                {
                    for (nint stop = Math.Min(o + quarter, end); o < stop; o += pairBytes, input += QuantizedInput.EightBitPair)
                    {
                        ahead.Fetch();
                        Vector256<sbyte> lo = Vector256.Load((sbyte*)input);
                        Vector256<sbyte> hi = Vector256.Load((sbyte*)input + 32);
                        for (int r = 0; r < 4; r++)
                        {
                            sums[r] = PairSums<T>(row[r] + o, lo, hi);
                        }

                        // The first block's sums of four rows, then the second's.
                        Vector256<float> dots = Avx.ConvertToVector256Single(
                            Avx2.HorizontalAdd(Avx2.HorizontalAdd(sums[0], sums[1]), Avx2.HorizontalAdd(sums[2], sums[3])));
                        Vector256<float> steps = Vector256.Load((float*)(input + QuantizedInput.EightBitScales));
                        Vector256<float> excess = Vector256.Load((float*)(input + QuantizedInput.EightBitExcess));
                        sum = Vector256.Create(
                            Add<T>(row, o, dots.GetLower(), steps.GetLower(), excess.GetLower(), sum.GetLower()),
                            Add<T>(row, o + T.BlockBytes, dots.GetUpper(), steps.GetUpper(), excess.GetUpper(), sum.GetUpper()));
                    }
                }
            }
            else
            {
                for (; o < end; o += pairBytes, input += QuantizedInput.EightBitPair)
                {
                    Vector128<float> even = AddBlock<T>(row, o, input, sum.GetLower());
                    sum = Vector256.Create(even, AddBlock<T>(row, o + T.BlockBytes, input + 16, sum.GetUpper()));
                }
            }

            if ((paddedColumns & 32) != 0)
            {
                sum = sum.WithLower(AddBlock<T>(row, o, input, sum.GetLower()));
            }
        }

        return sum.GetLower() + sum.GetUpper();
    }

    /// <summary>One block of four rows without AVX2, and any processor's last block of an odd number.</summary>
    /// <param name="row">The rows.</param>
    /// <param name="offset">The block's place in them.</param>
    /// <param name="input">The input's pair; 16 bytes on for the second block of one.</param>
    /// <param name="sum">The four rows' sums so far.</param>
    private static Vector128<float> AddBlock<T>(byte** row, nint offset, byte* input, Vector128<float> sum)
        where T : struct, IQuantFormat
    {
        Vector128<int> sums = BlockDot.AddPairs(
            BlockDot.AddPairs(BlockSums<T>(row[0] + offset, input), BlockSums<T>(row[1] + offset, input)),
            BlockDot.AddPairs(BlockSums<T>(row[2] + offset, input), BlockSums<T>(row[3] + offset, input)));
        return Add<T>(
            row,
            offset,
            Vector128.ConvertToSingle(sums),
            Vector128.Load((float*)(input + QuantizedInput.EightBitScales)),
            Vector128.Load((float*)(input + QuantizedInput.EightBitExcess)),
            sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add<T>(
        byte** row, nint offset, Vector128<float> dots, Vector128<float> steps, Vector128<float> excess, Vector128<float> sum)
        where T : struct, IQuantFormat
    {
        Vector128<float> scales = Halves(row, offset + T.HalvesOffset);
        if (T.BlockHalves == 1)
        {
            return Vector128.FusedMultiplyAdd(Vector128.FusedMultiplyAdd(dots, steps, excess * ExcessRatio), scales, sum);
        }

        Vector128<float> minima = Halves(row, offset + T.HalvesOffset + sizeof(ushort));
        return Vector128.FusedMultiplyAdd(excess * SumOfExcess, minima, Vector128.FusedMultiplyAdd(dots * steps, scales, sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(byte** row, nint offset) => Vector128.Create(
        BlockDot.FoldedScale(row[0] + offset),
        BlockDot.FoldedScale(row[1] + offset),
        BlockDot.FoldedScale(row[2] + offset),
        BlockDot.FoldedScale(row[3] + offset));

    /// <summary>A row's pair of blocks: four sums for each. Two products are at most 7,874, four fit 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> PairSums<T>(byte* pair, Vector256<sbyte> lo, Vector256<sbyte> hi)
        where T : struct, IQuantFormat
    {
        Vector256<byte> first = T.Load(pair, 0);
        Vector256<byte> second = T.Load(pair + T.BlockBytes, 0);
        Vector256<short> sums = Avx2.MultiplyAddAdjacent(Avx2.Permute2x128(first, second, 0x20), lo)
            + Avx2.MultiplyAddAdjacent(Avx2.Permute2x128(first, second, 0x31), hi);
        return Avx2.MultiplyAddAdjacent(sums, Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> BlockSums<T>(byte* block, byte* input)
        where T : struct, IQuantFormat
    {
        Vector256<sbyte> quants = T.Load(block, 0).AsSByte();
        return BlockDot.QuadSums(quants.GetLower(), Vector128.Load((sbyte*)input))
            + BlockDot.QuadSums(quants.GetUpper(), Vector128.Load((sbyte*)input + 32));
    }
}
