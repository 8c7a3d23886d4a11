using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A matrix times a batch of vectors: how prompts are processed. Each product's lanes run along the columns as in <see cref="RowDot"/>, so
/// the results have the bits of <see cref="MatrixVector"/>; tiles of rows by tokens share the loads.
/// </summary>
/// <remarks>
/// Three levels: a register tile; a panel of a group of rows by <see cref="ColumnBlock"/> columns, widened to F32, in the first-level
/// cache; and the same columns of a block of tokens in the second. A group's partial sums wait in the scratch between column blocks. Leaf loops in
/// this room are optimised at their first call: a prompt is one call, and would be over before the runtime takes notice of them.
/// </remarks>
public static partial class MatrixMatrix
{
    /// <summary>Columns that a pass takes: with <see cref="RowGroup"/> rows, a panel of 24 KiB.</summary>
    private const int ColumnBlock = 512;

    /// <summary>Tokens to a block: with their columns, 128 KiB.</summary>
    private const int TokenBlock = 64;

    /// <summary>Rows to a group whose partial sums are kept; a multiple of both register tiles' rows.</summary>
    private const int RowGroup = 12;

    private const int Lanes = 16;

    /// <summary>Length of the scratch that <c>Multiply</c> needs, whatever the shape.</summary>
    public const int PanelLength = (RowGroup * ColumnBlock) + (RowGroup * TokenBlock * Lanes);

    /// <summary><c>y[t, row] = w[row, :] · x[t, :]</c> for a range of rows and every token.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="paddedColumns">The matrix's padded columns.</param>
    /// <param name="x">The inputs as they are, not prepared: a row for each token, padded with zeros.</param>
    /// <param name="xStride">Distance between the tokens' rows of x, in elements.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="y">The outputs: a row for each token, row 0's output first; elements outside the range are left alone.</param>
    /// <param name="yStride">Distance between the tokens' rows of y, in elements.</param>
    /// <param name="panel">Scratch of <see cref="PanelLength"/> elements, the calling thread's own.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void Multiply<T>(
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        ref float x,
        int xStride,
        int tokens,
        ref float y,
        int yStride,
        Span<float> panel)
        where T : IWeightFormat =>
        MultiplyTiled<T>(
            Vector512.IsHardwareAccelerated, in w, fromRow, toRow, paddedColumns, ref x, xStride, tokens, ref y, yStride, panel);

    /// <summary>As the public method, with the register tile chosen: 4 x 4 for vectors of 16 lanes, 3 x 2 for pairs of 8.</summary>
    internal static void MultiplyTiled<T>(
        bool wide,
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        ref float x,
        int xStride,
        int tokens,
        ref float y,
        int yStride,
        Span<float> panel)
        where T : IWeightFormat
    {
        if (panel.Length < PanelLength)
            throw new ArgumentException($"The scratch has {panel.Length} elements of {PanelLength} needed.", nameof(panel));
        ref float rows = ref MemoryMarshal.GetReference(panel);
        ref float sums = ref Unsafe.Add(ref rows, RowGroup * ColumnBlock);
        for (int token = 0; token < tokens; token += TokenBlock)
        {
            int blockTokens = Math.Min(TokenBlock, tokens - token);
            ref float blockX = ref Unsafe.Add(ref x, (nint)token * xStride);
            ref float blockY = ref Unsafe.Add(ref y, (nint)token * yStride);
            for (int row = fromRow; row < toRow; row += RowGroup)
            {
                int groupRows = Math.Min(RowGroup, toRow - row);
                for (int column = 0; column < paddedColumns; column += ColumnBlock)
                {
                    int columns = Math.Min(ColumnBlock, paddedColumns - column);
                    ref float tileX = ref Unsafe.Add(ref blockX, column);
                    Widen<T>(in w, row, groupRows, column, columns, ref rows);
                    if (wide)
                        Add4x4(ref rows, groupRows, columns, ref tileX, xStride, blockTokens, ref sums, column == 0);
                    else
                        Add3x2(ref rows, groupRows, columns, ref tileX, xStride, blockTokens, ref sums, column == 0);
                }
                Reduce(ref sums, groupRows, blockTokens, ref Unsafe.Add(ref blockY, row), yStride);
            }
        }
    }

    /// <summary>
    /// Brings a group of rows' columns to F32 and true scale, close together: rows where they lie, often 4 KiB apart, would evict one
    /// another.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<T>(in WeightMatrix w, int row, int groupRows, int column, int columns, ref float rows)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (int i = 0; i < groupRows; i++)
        {
            ref byte source = ref w.Row(row + i);
            ref float panel = ref Unsafe.Add(ref rows, i * columns);
            for (nuint j = 0; j < (nuint)columns; j += 32)
            {
                T.Load32(ref source, (nuint)column + j, out Vector512<float> lo, out Vector512<float> hi);
                (lo * unfold).StoreUnsafe(ref panel, j);
                (hi * unfold).StoreUnsafe(ref panel, j + 16);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Reduce(ref float sums, int groupRows, int tokens, ref float y, int yStride)
    {
        for (int token = 0; token < tokens; token++)
        {
            ref float sum = ref Unsafe.Add(ref sums, token * RowGroup * Lanes);
            ref float result = ref Unsafe.Add(ref y, (nint)token * yStride);
            for (int row = 0; row < groupRows; row++)
                Unsafe.Add(ref result, row) = Reduction.Sum(Vector512.LoadUnsafe(ref sum, (nuint)(row * Lanes)));
        }
    }
}
