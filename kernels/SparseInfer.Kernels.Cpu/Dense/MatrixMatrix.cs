using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A matrix times a batch of vectors: how prompts are processed. Each product's lanes run along the columns as in <see cref="RowDot"/>, so
/// the results have the bits of <see cref="MatrixVector"/>; tiles of rows by tokens share the loads.
/// </summary>
/// <remarks>
/// Three levels: a register tile; a panel of its rows, widened to F32, in the first-level cache; and a block of tokens by
/// <see cref="ColumnBlock"/> columns of x in the second. Partial sums of a group of rows wait in the scratch between column blocks.
/// </remarks>
public static partial class MatrixMatrix
{
    /// <summary>Columns of x and of the panel that a pass takes.</summary>
    private const int ColumnBlock = 1024;

    /// <summary>Tokens to a block: with their columns, half of a second-level cache of 512 KiB.</summary>
    private const int TokenBlock = 64;

    /// <summary>Rows to a group whose partial sums are kept; a multiple of both register tiles' rows.</summary>
    private const int RowGroup = 24;

    private const int Lanes = 16;

    /// <summary>Length of the scratch that <c>Multiply</c> needs, whatever the shape.</summary>
    public const int PanelLength = (MaxTileRows * ColumnBlock) + (RowGroup * TokenBlock * Lanes);

    private const int MaxTileRows = 4;

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
        ref float sums = ref Unsafe.Add(ref rows, MaxTileRows * ColumnBlock);
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
                    if (wide)
                        AddColumns4x4<T>(in w, row, groupRows, column, columns, ref blockX, xStride, blockTokens, ref rows, ref sums);
                    else
                        AddColumns3x2<T>(in w, row, groupRows, column, columns, ref blockX, xStride, blockTokens, ref rows, ref sums);
                }
                Reduce(ref sums, groupRows, blockTokens, ref Unsafe.Add(ref blockY, row), yStride);
            }
        }
    }

    /// <summary>A row's block of columns in F32 and true scale: where it lies if it is that already, else widened into the panel.</summary>
    private static ref float Panel<T>(ref byte row, int column, int columns, ref float rows, int place)
        where T : IWeightFormat
    {
        if (typeof(T) == typeof(F32))
            return ref Unsafe.Add(ref Unsafe.As<byte, float>(ref row), column);
        ref float panel = ref Unsafe.Add(ref rows, place * ColumnBlock);
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (nuint i = 0; i < (nuint)columns; i += 32)
        {
            T.Load32(ref row, (nuint)column + i, out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).StoreUnsafe(ref panel, i);
            (hi * unfold).StoreUnsafe(ref panel, i + 16);
        }
        return ref panel;
    }

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
