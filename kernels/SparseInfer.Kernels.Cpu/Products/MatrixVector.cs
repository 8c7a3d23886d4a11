using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>A matrix times one vector.</summary>
public static class MatrixVector
{
    /// <summary><c>y[row] = w[row, :] · x</c> for a range of rows.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="paddedColumns">The matrix's padded columns.</param>
    /// <param name="preparedX">The input, prepared by <see cref="IWeightArithmetic.PrepareInput"/>.</param>
    /// <param name="undo">What <see cref="IWeightArithmetic.PrepareInput"/> returned.</param>
    /// <param name="y">The outputs, row 0's first; elements outside the range are left alone.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(
        in WeightMatrix w, int fromRow, int toRow, int paddedColumns, ref float preparedX, float undo, ref float y)
        where T : IWeightArithmetic
    {
        int last = toRow - 1;
        for (int row = fromRow; row < toRow; row += 4)
        {
            // The last group repeats its last row: one body, and the repeated row is in the cache.
            FourRows rows = row + 4 <= toRow
                ? w.Four(row)
                : w.Four(row, Math.Min(row + 1, last), Math.Min(row + 2, last), Math.Min(row + 3, last));
            Vector128<float> dots = undo * RowDot.Four<T>(ref preparedX, in rows, w.Four(row + 4), paddedColumns);
            if (row + 4 <= toRow)
            {
                dots.StoreUnsafe(ref y, (nuint)row);
            }
            else
            {
                for (int i = row; i < toRow; i++)
                {
                    Unsafe.Add(ref y, i) = dots.GetElement(i - row);
                }
            }
        }
    }
}
