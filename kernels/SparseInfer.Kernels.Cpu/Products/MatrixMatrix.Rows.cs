using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>Row by row, each with some tokens: block formats, whose products are of integers, and tokens too few for a tile.</content>
public static unsafe partial class MatrixMatrix
{
    /// <summary>Four rows at a time, which stay in the first-level cache, are dotted with the prepared inputs of some tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyRows<T>(
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        float* undo,
        float* inputs)
        where T : IWeightArithmetic
    {
        int lastRow = toRow - 1;
        float* totals = stackalloc float[4 * RowTokens];
        for (int token = 0; token < tokens; token += RowTokens, undo += RowTokens, inputs += (nint)RowTokens * paddedColumns)
        {
            int blockTokens = Math.Min(RowTokens, tokens - token);
            for (int row = fromRow; row < toRow; row += 4)
            {
                FourRows rows = row + 4 <= toRow
                    ? w.Four(row)
                    : w.Four(row, Math.Min(row + 1, lastRow), Math.Min(row + 2, lastRow), Math.Min(row + 3, lastRow));
                FourRows next = w.Four(row + 4);
                bool together = T.HasTokens && blockTokens > 1;
                if (together)
                {
                    T.DotFourTokens(inputs, blockTokens, in rows, in next, paddedColumns, totals);
                }

                for (int t = 0; t < blockTokens; t++)
                {
                    Vector128<float> dots = undo[t] * (together
                        ? Vector128.Load(totals + (4 * t))
                        : RowDot.Four<T>(ref inputs[(nint)t * paddedColumns], in rows, in next, paddedColumns));
                    ref float result = ref Unsafe.Add(ref y, ((nint)(token + t) * yStride) + row);
                    if (row + 4 <= toRow)
                    {
                        dots.StoreUnsafe(ref result);
                    }
                    else
                    {
                        for (int i = row; i < toRow; i++)
                        {
                            Unsafe.Add(ref result, i - row) = dots.GetElement(i - row);
                        }
                    }
                }
            }
        }
    }
}
