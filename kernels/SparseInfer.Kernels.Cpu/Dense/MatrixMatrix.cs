using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A matrix times a batch of vectors: how prompts are processed. The results have the bits of <see cref="MatrixVector"/>.
/// </summary>
/// <remarks>
/// Three levels: a register tile of rows by tokens; a group of rows by one <see cref="PlainDot.Segment"/> of columns, widened to F32, in the
/// first-level cache; and the same columns of a block of tokens in the second, packed so that a tile reads one run of memory from end to end. Leaf loops in this
/// room are optimised at their first call: a prompt is one call, and would be over before the runtime takes notice of them.
/// </remarks>
public static unsafe partial class MatrixMatrix
{
    /// <summary>Tokens to a block: with a segment of their columns, 128 KiB.</summary>
    private const int TokenBlock = 64;

    private const int TileRows = 6;

    /// <summary>Rows that are widened together: two tiles.</summary>
    private const int RowGroup = 2 * TileRows;

    private const int Lanes = 16;

    /// <summary>Distance between rows of a panel: a cache line more than their columns, so that they spread over the cache's sets.</summary>
    private const int RowStride = PlainDot.Segment + 16;

    /// <summary>Tokens to a tile with vectors of 8 and of 16 lanes.</summary>
    private const int TileTokens = 16;

    private const int WideTileTokens = 32;

    /// <summary>Levels of a tree of 16 leaves below its root, for a tile each.</summary>
    private const int PartialLength = 4 * TileRows * WideTileTokens;

    private const int TotalsLength = RowGroup * TokenBlock;

    private const int TiledLength = PartialLength + TotalsLength + (RowGroup * RowStride) + (TokenBlock * PlainDot.Segment);

    /// <summary>Tokens whose inputs are prepared together where rows are taken one by one.</summary>
    private const int PreparedTokens = 16;

    /// <summary>Length of the scratch that <c>Multiply</c> needs.</summary>
    /// <param name="paddedColumns">Padded columns of the widest matrix.</param>
    public static int PanelLength(int paddedColumns) => Math.Max(TiledLength, checked(PreparedTokens * paddedColumns));

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
    /// <param name="panel">
    /// Scratch of <see cref="PanelLength"/> elements for this or a greater width, the calling thread's own; best at a multiple of 64 bytes.
    /// </param>
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

    /// <summary>As the public method, with the register tile chosen: of vectors of 16 lanes, or of 8.</summary>
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
        if (panel.Length < PanelLength(paddedColumns))
            throw new ArgumentException($"The scratch has {panel.Length} elements of {PanelLength(paddedColumns)} needed.", nameof(panel));
        int tiledTokens = T.QuantizesInput ? 0 : TiledTokens(tokens, wide ? WideTileTokens : TileTokens);
        fixed (float* scratch = panel)
        {
            for (int token = 0; token < tiledTokens; token += TokenBlock)
            {
                MultiplyBlock<T>(
                    wide, in w, fromRow, toRow, paddedColumns, ref Unsafe.Add(ref x, (nint)token * xStride), xStride,
                    Math.Min(TokenBlock, tiledTokens - token), ref Unsafe.Add(ref y, (nint)token * yStride), yStride, scratch);
            }
            MultiplyRows<T>(
                in w, fromRow, toRow, paddedColumns, ref Unsafe.Add(ref x, (nint)tiledTokens * xStride), xStride,
                tokens - tiledTokens, ref Unsafe.Add(ref y, (nint)tiledTokens * yStride), yStride, scratch);
        }
    }

    /// <summary>Tokens that tiles take. What is left over fills more than a quarter of a last tile, or it is faster without.</summary>
    private static int TiledTokens(int tokens, int tileTokens)
    {
        int rest = tokens % tileTokens;
        return rest > tileTokens / 4 ? tokens : tokens - rest;
    }

    private static void MultiplyBlock<T>(
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
        float* scratch)
        where T : IWeightFormat
    {
        float* partial = scratch;
        float* totals = partial + PartialLength;
        float* rows = totals + TotalsLength;
        float* inputs = rows + (RowGroup * RowStride);
        int tileTokens = wide ? WideTileTokens : TileTokens;
        int tileLength = TileRows * tileTokens;
        int tiles = (tokens + tileTokens - 1) / tileTokens;
        for (int column = 0; column < paddedColumns; column += PlainDot.Segment)
        {
            int columns = Math.Min(PlainDot.Segment, paddedColumns - column);
            int steps = columns / Lanes;
            for (int tile = 0; tile < tiles; tile++)
            {
                int token = tile * tileTokens;
                PackInputs(
                    ref Unsafe.Add(ref x, ((nint)token * xStride) + column), xStride, Math.Min(tileTokens, tokens - token), columns,
                    inputs + (token * columns), tileTokens);
            }
            for (int row = fromRow; row < toRow; row += RowGroup)
            {
                int groupRows = Math.Min(RowGroup, toRow - row);
                Widen<T>(in w, row, groupRows, column, columns, rows);
                ref float groupY = ref Unsafe.Add(ref y, row);
                PanelAhead ahead = PanelAhead.Of<T>(in w, row + RowGroup, toRow, column, columns, 2 * tiles * Lanes);
                for (int first = 0; first < groupRows; first += TileRows)
                {
                    for (int tile = 0; tile < tiles; tile++)
                    {
                        float* tileTotals = totals + (((2 * tile) + (first / TileRows)) * tileLength);
                        if (wide)
                            Tile6x32(rows + (first * RowStride), inputs + (tile * 32 * columns), steps, partial, tileTotals, ref ahead);
                        else
                            Tile6x16(rows + (first * RowStride), inputs + (tile * 16 * columns), steps, partial, tileTotals, ref ahead);
                    }
                }
                AddTotals(totals, tileTokens, groupRows, tokens, ref groupY, yStride, column == 0);
            }
        }
    }

    /// <summary>
    /// Packs a tile's tokens: phase by phase, that is in the order of <see cref="LaneOf"/>, the lane's columns in ascending order, the
    /// tokens of each together. Where there are fewer tokens, the last one is repeated; nobody reads what that gives.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackInputs(ref float x, int xStride, int tokens, int columns, float* inputs, int tileTokens)
    {
        int steps = columns / Lanes;
        for (int t = 0; t < tileTokens; t += 4)
        {
            ref float x0 = ref Unsafe.Add(ref x, (nint)Math.Min(t, tokens - 1) * xStride);
            ref float x1 = ref Unsafe.Add(ref x, (nint)Math.Min(t + 1, tokens - 1) * xStride);
            ref float x2 = ref Unsafe.Add(ref x, (nint)Math.Min(t + 2, tokens - 1) * xStride);
            ref float x3 = ref Unsafe.Add(ref x, (nint)Math.Min(t + 3, tokens - 1) * xStride);
            for (int column = 0; column < columns; column++)
            {
                int index = (LaneOf(column % Lanes) * steps) + (column / Lanes);
                Vector128.Create(Unsafe.Add(ref x0, column), Unsafe.Add(ref x1, column), Unsafe.Add(ref x2, column), Unsafe.Add(ref x3, column))
                    .Store(inputs + (index * tileTokens) + t);
            }
        }
    }

    /// <summary>
    /// The lane of a phase, its four bits turned round: 0, 8, 4, 12, 2, 10, ..., neighbours in the canonical tree side by side. It is its own inverse.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LaneOf(int phase) => (int)((0xF7B3_D591_E6A2_C480 >> (4 * phase)) & 15);

    /// <summary>Brings a group of rows' columns to F32 and true scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<T>(in WeightMatrix w, int row, int groupRows, int column, int columns, float* rows)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (int i = 0; i < groupRows; i++, rows += RowStride)
        {
            ref byte source = ref w.Row(row + i);
            for (int j = 0; j < columns; j += 32)
            {
                T.Load32(ref source, (nuint)(column + j), out Vector512<float> lo, out Vector512<float> hi);
                (lo * unfold).Store(rows + j);
                (hi * unfold).Store(rows + j + 16);
            }
        }
    }

    /// <summary>Adds a group's products, which lie with tokens side by side, to what the columns before gave, or to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTotals(float* totals, int tileTokens, int groupRows, int tokens, ref float y, int yStride, bool first)
    {
        for (int token = 0; token < tokens; token++)
        {
            ref float result = ref Unsafe.Add(ref y, (nint)token * yStride);
            float* source = totals + (token / tileTokens * RowGroup * tileTokens) + (token % tileTokens);
            int row = 0;
            for (; row <= groupRows - 4; row += 4, source += 4 * tileTokens)
            {
                Vector128<float> sums = Vector128.Create(source[0], source[tileTokens], source[2 * tileTokens], source[3 * tileTokens]);
                if (!first)
                    sums = Vector128.LoadUnsafe(ref result, (nuint)row) + sums;
                sums.StoreUnsafe(ref result, (nuint)row);
            }
            for (; row < groupRows; row++, source += tileTokens)
                Unsafe.Add(ref result, row) = (first ? 0 : Unsafe.Add(ref result, row)) + source[0];
        }
    }
}
