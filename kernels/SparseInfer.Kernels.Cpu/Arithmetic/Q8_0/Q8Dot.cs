using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q8_0's dot products. Lane j of 8 sums columns 2j, 2j + 1, 16 + 2j and 16 + 2j + 1 of a block of 32, and adds, block after block and by fused
/// multiply-add, this sum times both scales; the tree of <see cref="Reduction"/> adds the lanes.
/// </summary>
internal static unsafe class Q8Dot
{
    /// <summary>Four rows at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        nint end = (nint)paddedColumns / 32 * Q8_0.Block;
        nint quarter = (((nint)paddedColumns / 32) + 3) / 4 * Q8_0.Block;
        nint o = 0;
        fixed (float* prepared = &x)
        {
            byte* input = (byte*)prepared;
            var ahead = new BlocksAhead(in next, end, Q8_0.Block);
            for (; o < end; ahead.NextRow())
            {
                for (nint stop = Math.Min(o + quarter, end); o < stop; o += Q8_0.Block, input += QuantizedInput.SixteenBitBlock)
                {
                    ahead.Fetch();
                    if (Avx2.IsSupported && Fma.IsSupported)
                    {
                        Vector256<short> lo = Vector256.Load((short*)input);
                        Vector256<short> hi = Vector256.Load((short*)input + 16);
                        Vector256<float> scale = Vector256.Create(*(float*)(input + 64));
                        sum0 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Sums(r0 + o, lo, hi)), BlockDot.Scale(r0 + o) * scale, sum0);
                        sum1 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Sums(r1 + o, lo, hi)), BlockDot.Scale(r1 + o) * scale, sum1);
                        sum2 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Sums(r2 + o, lo, hi)), BlockDot.Scale(r2 + o) * scale, sum2);
                        sum3 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Sums(r3 + o, lo, hi)), BlockDot.Scale(r3 + o) * scale, sum3);
                    }
                    else
                    {
                        sum0 = Add(r0 + o, input, sum0);
                        sum1 = Add(r1 + o, input, sum1);
                        sum2 = Add(r2 + o, input, sum2);
                        sum3 = Add(r3 + o, input, sum3);
                    }
                }
            }
        }

        return Reduction.Sum4(sum0, sum1, sum2, sum3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sums(byte* block, Vector256<short> lo, Vector256<short> hi) =>
        Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 2), lo)
            + Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16((sbyte*)block + 18), hi);

    /// <summary>Without AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(byte* block, byte* input, Vector256<float> sum)
    {
        Vector128<sbyte> first = Vector128.Load((sbyte*)block + 2);
        Vector128<sbyte> second = Vector128.Load((sbyte*)block + 18);
        Vector128<int> lower = BlockDot.PairSums(Vector128.WidenLower(first), Vector128.Load((short*)input))
            + BlockDot.PairSums(Vector128.WidenLower(second), Vector128.Load((short*)input + 16));
        Vector128<int> upper = BlockDot.PairSums(Vector128.WidenUpper(first), Vector128.Load((short*)input + 8))
            + BlockDot.PairSums(Vector128.WidenUpper(second), Vector128.Load((short*)input + 24));
        Vector128<float> scale = Vector128.Create(BlockDot.FoldedScale(block) * *(float*)(input + 64));
        return Vector256.Create(
            Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(lower), scale, sum.GetLower()),
            Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(upper), scale, sum.GetUpper()));
    }
}
