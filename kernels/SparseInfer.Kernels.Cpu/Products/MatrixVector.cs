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

    /// <summary><c>y[row] = w[row, :] · x</c> for listed rows: the bits that <see cref="Multiply"/> gives them.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="rows">The list; three entries more, each a row of the matrix, follow it.</param>
    /// <param name="count">Rows on it.</param>
    /// <param name="paddedColumns">The matrix's padded columns.</param>
    /// <param name="preparedX">The input, prepared by <see cref="IWeightArithmetic.PrepareInput"/>.</param>
    /// <param name="undo">What <see cref="IWeightArithmetic.PrepareInput"/> returned.</param>
    /// <param name="y">The outputs, row 0's first; elements of other rows are left alone.</param>
    public static void MultiplyListed<T>(
        in WeightMatrix w, ReadOnlySpan<int> rows, int count, int paddedColumns, ref float preparedX, float undo, ref float y)
        where T : IWeightArithmetic
    {
        for (int n = 0; n < count; n += 4)
        {
            ReadOnlySpan<int> next = rows.Slice(n + 4 < count ? n + 4 : n, 4);
            FourRows four = w.Four(rows[n], rows[n + 1], rows[n + 2], rows[n + 3]);
            Vector128<float> dots = undo * RowDot.Four<T>(ref preparedX, in four, w.Four(next[0], next[1], next[2], next[3]), paddedColumns);
            for (int i = 0; i < Math.Min(4, count - n); i++)
            {
                Unsafe.Add(ref y, rows[n + i]) = dots.GetElement(i);
            }
        }
    }
}
