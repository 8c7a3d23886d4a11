using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Dot products of blocks of 256. Quants, integer scales and the input's quants give one integer for a block of a row, minima and the input's sums
/// another: exact in any order. Each enters the row's sum by one fused multiply-add with its half times the input's step, scales first.
/// </summary>
internal static unsafe class SuperBlockDot
{
    /// <summary>Four rows at once.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector128<float> Four<T>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where T : struct, ISuperBlockFormat
    {
        nint end = (nint)paddedColumns / 256 * T.BlockBytes;
        nint quarter = (((nint)paddedColumns / 256) + 3) / 4 * T.BlockBytes;
        byte** row = stackalloc byte*[4] { rows.First, rows.Second, rows.Third, rows.Fourth };
        Vector128<int>* sums = stackalloc Vector128<int>[4];
        Vector128<int>* minima = stackalloc Vector128<int>[4];
        Vector128<float> sum = default;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;

            // A row of a block is worked on in the time of a fetch: a quarter of a block.
            var ahead = new BlocksAhead(in next, end, (T.BlockBytes + 3) / 4);
            for (; o < end; ahead.NextRow())
            {
                for (nint stop = Math.Min(o + quarter, end); o < stop; o += T.BlockBytes, input += QuantizedInput.SuperBlock)
                {
                    for (int r = 0; r < 4; r++)
                    {
                        ahead.Fetch();
                        byte* block = row[r] + o;
                        if (Avx2.IsSupported && Fma.IsSupported)
                        {
                            Vector256<short> inputSums = Vector256.Load((short*)(input + QuantizedInput.SuperBlockSums));
                            Vector256<int> total = Sums<T>(block, (sbyte*)input, inputSums);
                            sums[r] = total.GetLower() + total.GetUpper();
                            if (T.BlockHalves > 1)
                            {
                                total = Avx2.MultiplyAddAdjacent(T.Minima(block), inputSums);
                                minima[r] = total.GetLower() + total.GetUpper();
                            }
                        }
                        else
                        {
                            sums[r] = Sums<T>(block, input, out minima[r]);
                        }
                    }

                    Vector128<float> step = Vector128.Create(*(float*)(input + QuantizedInput.SuperBlockStep));
                    sum = Vector128.FusedMultiplyAdd(Total(sums), Halves(row, o + T.HalvesOffset) * step, sum);
                    if (T.BlockHalves > 1)
                    {
                        Vector128<float> halves = Halves(row, o + T.HalvesOffset + sizeof(ushort));
                        sum = Vector128.FusedMultiplyAdd(-Total(minima), halves * step, sum);
                    }
                }
            }
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Total(Vector128<int>* rows) => Vector128.ConvertToSingle(
        BlockDot.AddPairs(BlockDot.AddPairs(rows[0], rows[1]), BlockDot.AddPairs(rows[2], rows[3])));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(byte** row, nint offset) => Vector128.Create(
        BlockDot.FoldedScale(row[0] + offset),
        BlockDot.FoldedScale(row[1] + offset),
        BlockDot.FoldedScale(row[2] + offset),
        BlockDot.FoldedScale(row[3] + offset));

    /// <summary>One block of a row, in any order of its lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sums<T>(byte* block, sbyte* input, Vector256<short> inputSums)
        where T : struct, ISuperBlockFormat
    {
        Vector256<short> scales = T.Scales(block);
        Vector256<int> sum = T.Excess == 0
            ? Vector256<int>.Zero
            : Avx2.MultiplyAddAdjacent(scales, inputSums) * -T.Excess;
        sum = Add<T>(block, input, scales, 0, sum);
        sum = Add<T>(block, input, scales, 1, sum);
        sum = Add<T>(block, input, scales, 2, sum);
        sum = Add<T>(block, input, scales, 3, sum);
        sum = Add<T>(block, input, scales, 4, sum);
        sum = Add<T>(block, input, scales, 5, sum);
        sum = Add<T>(block, input, scales, 6, sum);
        return Add<T>(block, input, scales, 7, sum);
    }

    /// <summary>32 columns: sums of two products fit 16 bits, and meet the scale of their half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Add<T>(byte* block, sbyte* input, Vector256<short> scales, int part, Vector256<int> sum)
        where T : struct, ISuperBlockFormat
    {
        Vector256<short> products = Avx2.MultiplyAddAdjacent(T.Load(block, part), Vector256.Load(input + (part * 32)));
        Vector256<byte> chosen = Vector256.Create((ushort)(0x0100 + (0x0202 * part))).AsByte();
        Vector256<short> scale = Avx2.Shuffle(scales.AsByte(), chosen).AsInt16();
        return AvxVnni.IsSupported
            ? AvxVnni.MultiplyWideningAndAdd(sum, products, scale)
            : sum + Avx2.MultiplyAddAdjacent(products, scale);
    }

    /// <summary>Without AVX2.</summary>
    private static Vector128<int> Sums<T>(byte* block, byte* input, out Vector128<int> minima)
        where T : struct, ISuperBlockFormat
    {
        byte* scales = block + T.ScalesOffset;
        short* inputSums = (short*)(input + QuantizedInput.SuperBlockSums);
        Vector128<int> sum = Vector128<int>.Zero;
        int excess = 0;
        int minimum = 0;
        for (int part = 0; part < 8; part++)
        {
            Vector256<sbyte> quants = T.Load(block, part).AsSByte();
            sbyte* quantsOfInput = (sbyte*)input + (part * 32);
            int lower = T.Scale(scales, 1, part * 32 / T.PartColumns);
            int upper = T.Scale(scales, 1, ((part * 32) + 16) / T.PartColumns);
            sum += BlockDot.QuadSums(quants.GetLower(), Vector128.Load(quantsOfInput)) * lower;
            sum += BlockDot.QuadSums(quants.GetUpper(), Vector128.Load(quantsOfInput + 16)) * upper;
            excess += (lower * inputSums[part]) + (upper * inputSums[part + 8]);
            minimum += T.Minimum(scales, 1, part) * (inputSums[part] + inputSums[part + 8]);
        }

        minima = Vector128.CreateScalar(minimum);
        return sum - Vector128.CreateScalar(T.Excess * excess);
    }
}
