using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Dot products of weight rows with an input. Lane j of 16 sums columns j, j + 16, j + 32, ... in that order by fused multiply-add, and one
/// fixed tree sums the lanes: the same bits from every primitive, thread count and processor.
/// </summary>
public static class RowDot
{
    /// <summary>Four rows at once: as many as it takes to keep the multiply-add units busy, and x is read once.</summary>
    /// <param name="x">The input, prepared by <see cref="IWeightFormat.PrepareInput"/>.</param>
    /// <param name="r0">First byte of a row.</param>
    /// <param name="r1">First byte of a row; may be one of the others again.</param>
    /// <param name="r2">First byte of a row; may be one of the others again.</param>
    /// <param name="r3">First byte of a row; may be one of the others again.</param>
    /// <param name="paddedColumns">Length of x and of the rows, a multiple of 32.</param>
    /// <returns>The four dot products, still to be multiplied by what <see cref="IWeightFormat.PrepareInput"/> returned.</returns>
    /// <remarks>
    /// Never inlined: a kernel that holds two of these exceeds the JIT's budget, and then it is the vector operations that become calls.
    /// One call for four rows costs nothing that could be measured.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector128<float> Four<T>(ref float x, ref byte r0, ref byte r1, ref byte r2, ref byte r3, int paddedColumns)
        where T : IWeightFormat
    {
        Vector512<float> sum0 = Vector512<float>.Zero;
        Vector512<float> sum1 = Vector512<float>.Zero;
        Vector512<float> sum2 = Vector512<float>.Zero;
        Vector512<float> sum3 = Vector512<float>.Zero;
        for (nuint column = 0; column < (nuint)paddedColumns; column += 32)
        {
            Vector512<float> xLo = Vector512.LoadUnsafe(ref x, column);
            Vector512<float> xHi = Vector512.LoadUnsafe(ref x, column + 16);
            T.Load32(ref r0, column, out Vector512<float> lo, out Vector512<float> hi);
            sum0 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum0));
            T.Load32(ref r1, column, out lo, out hi);
            sum1 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum1));
            T.Load32(ref r2, column, out lo, out hi);
            sum2 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum2));
            T.Load32(ref r3, column, out lo, out hi);
            sum3 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum3));
        }
        return Reduction.Sum4(sum0, sum1, sum2, sum3);
    }
}
