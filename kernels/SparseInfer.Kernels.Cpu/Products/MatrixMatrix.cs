using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A matrix times a batch of vectors: how prompts are processed. The results have the bits of <see cref="MatrixVector"/>.
/// </summary>
/// <remarks>
/// Three levels: a register tile of rows by tokens; a lane of a group of rows and of a tile's tokens in the first-level cache; and the
/// group's <see cref="PlainDot.Segment"/> of columns, widened to F32, in the second, with the same columns of a block of tokens: both
/// packed so that a tile reads runs of memory from end to end. Loops in this room are optimised at their first call: a prompt is one
/// call, and would be over before the runtime takes notice of them.
/// </remarks>
public static unsafe partial class MatrixMatrix
{
    /// <summary>Tokens to a block: a segment of their columns is 512 KiB, each read once for twelve rows.</summary>
    private const int TokenBlock = 128;

    /// <summary>Tokens to a tile.</summary>
    private const int TileTokens = 32;

    /// <summary>Tokens left over by tiles that are faster row by row.</summary>
    private const int FewTokens = 16;

    /// <summary>Rows to a tile with vectors of 8 lanes, and of 16.</summary>
    private const int TileRows = 3;

    private const int WideTileRows = 6;

    /// <summary>
    /// Rows that are packed together, a multiple of both: a lane of them and of a tile's tokens fits the first-level cache.
    /// </summary>
    private const int RowGroup = 12;

    private const int Lanes = 16;

    /// <summary>
    /// Rows whose totals of the segments so far are kept, 48 KiB, until all columns have been: outputs, thousands of bytes apart from token
    /// to token, are touched once, and a segment of the inputs, brought back to the second level, serves eight groups.
    /// </summary>
    private const int RowBlock = 8 * RowGroup;

    /// <summary>Levels of a tree of 16 leaves below its root.</summary>
    private const int TreeLevels = 4;

    private const int TreeLength = TreeLevels + 1;

    private const int PartialLength = TreeLength * RowGroup * TileTokens;

    private const int TotalsLength = RowBlock * TokenBlock;

    /// <summary>A group packed, and four rows on their way there.</summary>
    private const int PanelRowsLength = (RowGroup + 4) * PlainDot.Segment;

    /// <summary>Where in the scratch the factors are that undo what inputs were multiplied by, then the inputs.</summary>
    private const int UndoOffset = PartialLength + TotalsLength + PanelRowsLength;

    /// <summary>Tokens that four rows are dotted with while they stay in the first-level cache, where rows are taken one by one.</summary>
    private const int RowTokens = 16;

    /// <summary>Length of the scratch that <c>Pack</c> and <c>Multiply</c> need.</summary>
    /// <param name="paddedColumns">Padded columns of the widest matrix.</param>
    /// <param name="tokens">Most tokens.</param>
    public static int PanelLength(int paddedColumns, int tokens)
    {
        int padded = PadTokens(tokens);
        return checked(PartialLength + TotalsLength + PanelRowsLength + padded + (padded * paddedColumns));
    }

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
    /// Scratch of <see cref="PanelLength"/> elements for this or a greater width and number, the calling thread's own; best at a multiple
    /// of 64 bytes.
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
        where T : IWeightArithmetic
    {
        Pack<T>(paddedColumns, ref x, xStride, tokens, panel);
        MultiplyPacked<T>(in w, fromRow, toRow, paddedColumns, tokens, ref y, yStride, panel);
    }

    /// <summary>
    /// Brings a batch of inputs into the form that <see cref="MultiplyPacked{T}"/> wants: once for all matrices of a format and width that
    /// are multiplied with it.
    /// </summary>
    /// <param name="paddedColumns">The matrices' padded columns.</param>
    /// <param name="x">The inputs as they are, not prepared: a row for each token, padded with zeros.</param>
    /// <param name="xStride">Distance between the tokens' rows of x, in elements.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="panel">Scratch, as <see cref="Multiply{T}"/> has it.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void Pack<T>(int paddedColumns, ref float x, int xStride, int tokens, Span<float> panel)
        where T : IWeightArithmetic
    {
        CheckPanel(panel, paddedColumns, tokens);
        int tiledTokens = TiledTokens<T>(tokens);
        fixed (float* scratch = panel)
        {
            float* undo = scratch + UndoOffset;
            float* inputs = undo + PadTokens(tokens);
            if (MultipliesIntegers<T>(tokens))
            {
                // Quants take less room than what they are made of: the last row is free.
                T.PackTiles(paddedColumns, ref x, xStride, tokens, undo, inputs, inputs + ((nint)(PadTokens(tokens) - 1) * paddedColumns));
                return;
            }

            for (int token = 0; token < tiledTokens; token += TokenBlock)
            {
                PackInputs(
                    ref Unsafe.Add(ref x, (nint)token * xStride), xStride, Math.Min(TokenBlock, tiledTokens - token), paddedColumns,
                    inputs + ((nint)token * paddedColumns));
            }

            for (int token = tiledTokens; token < tokens; token++)
            {
                undo[token] = T.PrepareInput(
                    in Unsafe.Add(ref x, (nint)token * xStride), ref inputs[(nint)token * paddedColumns], paddedColumns);
            }
        }
    }

    /// <summary><see cref="Multiply{T}"/> with the inputs that <see cref="Pack{T}"/> left in the scratch, which stay there.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="paddedColumns">The matrix's padded columns, as they were packed.</param>
    /// <param name="tokens">Number of tokens, as they were packed.</param>
    /// <param name="y">The outputs: a row for each token, row 0's output first; elements outside the range are left alone.</param>
    /// <param name="yStride">Distance between the tokens' rows of y, in elements.</param>
    /// <param name="panel">The scratch.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void MultiplyPacked<T>(
        in WeightMatrix w, int fromRow, int toRow, int paddedColumns, int tokens, ref float y, int yStride, Span<float> panel)
        where T : IWeightArithmetic =>
        MultiplyTiled<T>(Vector512.IsHardwareAccelerated, in w, fromRow, toRow, paddedColumns, tokens, ref y, yStride, panel);

    /// <summary>As the public method, with the register tile chosen: of vectors of 16 lanes, or of 8.</summary>
    internal static void MultiplyTiled<T>(
        bool wide,
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        Span<float> panel)
        where T : IWeightArithmetic
    {
        CheckPanel(panel, paddedColumns, tokens);
        int tiledTokens = TiledTokens<T>(tokens);
        fixed (float* scratch = panel)
        {
            float* undo = scratch + UndoOffset;
            float* inputs = undo + PadTokens(tokens);
            if (MultipliesIntegers<T>(tokens))
            {
                T.MultiplyTiles(in w, fromRow, toRow, paddedColumns, tokens, ref y, yStride, undo, inputs, scratch);
                return;
            }

            for (int token = 0; token < tiledTokens; token += TokenBlock)
            {
                MultiplyBlock<T>(
                    wide, in w, fromRow, toRow, paddedColumns, Math.Min(TokenBlock, tiledTokens - token),
                    ref Unsafe.Add(ref y, (nint)token * yStride), yStride, scratch, inputs + ((nint)token * paddedColumns));
            }

            MultiplyRows<T>(
                in w, fromRow, toRow, paddedColumns, tokens - tiledTokens, ref Unsafe.Add(ref y, (nint)tiledTokens * yStride), yStride,
                undo + tiledTokens, inputs + ((nint)tiledTokens * paddedColumns));
        }
    }

    /// <summary>Tokens rounded up to whole tiles.</summary>
    private static int PadTokens(int tokens) => checked(tokens + (TileTokens - 1)) & ~(TileTokens - 1);

    private static void CheckPanel(Span<float> panel, int paddedColumns, int tokens)
    {
        int needed = PanelLength(paddedColumns, tokens);
        if (panel.Length < needed)
        {
            throw new ArgumentException($"The scratch has {panel.Length} elements of {needed} needed.", nameof(panel));
        }
    }

    /// <summary>Whether tiles of integers take all tokens.</summary>
    private static bool MultipliesIntegers<T>(int tokens)
        where T : IWeightArithmetic => T.HasTiles && IntegerTile.IsSupported && tokens >= T.LeastTokens;

    /// <summary>
    /// Tokens that tiles take: none where products are of integers, else all but a rest so small that a tile, which is never cheaper, would
    /// lose to the rows.
    /// </summary>
    private static int TiledTokens<T>(int tokens)
        where T : IWeightArithmetic
    {
        if (T.QuantizesInput)
        {
            return 0;
        }

        int rest = tokens % TileTokens;
        return rest > FewTokens ? tokens : tokens - rest;
    }

    /// <summary>A block of tokens: row block by row block, in these segment by segment, in these group by group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBlock<T>(
        bool wide,
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        float* scratch,
        float* inputs)
        where T : IWeightFormat
    {
        float* partial = scratch;
        float* totals = partial + PartialLength;
        float* rows = totals + TotalsLength;
        int tileRows = wide ? WideTileRows : TileRows;
        int tiles = (tokens + TileTokens - 1) / TileTokens;
        int blockTokens = tiles * TileTokens;
        for (int block = fromRow; block < toRow; block += RowBlock)
        {
            int blockEnd = Math.Min(block + RowBlock, toRow);
            new Span<float>(totals, TotalsLength).Clear();
            for (int column = 0; column < paddedColumns; column += PlainDot.Segment)
            {
                int columns = Math.Min(PlainDot.Segment, paddedColumns - column);
                float* segment = inputs + (column * blockTokens);
                for (int row = block; row < blockEnd; row += RowGroup)
                {
                    int groupRows = Math.Min(RowGroup, blockEnd - row);
                    PackRows<T>(in w, row, groupRows, column, columns, rows);
                    int rowTiles = (groupRows + tileRows - 1) / tileRows;
                    PanelAhead ahead = Following<T>(
                        in w, block, row + RowGroup, blockEnd, toRow, column, paddedColumns, rowTiles * tiles * Lanes);
                    float* groupTotals = totals + ((row - block) * TokenBlock);
                    MultiplyGroup(wide, rows, rowTiles, segment, tiles, columns, partial, groupTotals, ref ahead);
                }
            }

            StoreTotals(totals, blockEnd - block, tokens, ref Unsafe.Add(ref y, block), yStride);
        }
    }

    /// <summary>
    /// A group of rows and a segment. All rows meet a lane of a tile's tokens before the next lane comes: it is read from the second level
    /// once. Tiles may go past the rows; nobody reads what that gives.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyGroup(
        bool wide,
        float* rows,
        int rowTiles,
        float* segment,
        int tiles,
        int columns,
        float* partial,
        float* totals,
        ref PanelAhead ahead)
    {
        int tileRows = wide ? WideTileRows : TileRows;
        int steps = columns / Lanes;
        int tree = TreeLength * tileRows * TileTokens;
        float* roots = partial + (TreeLevels * tileRows * TileTokens);
        for (int tile = 0; tile < tiles; tile++, segment += TileTokens * columns, totals += TileTokens)
        {
            if (wide)
            {
                Tiles6x32(rows, rowTiles, segment, steps, partial, ref ahead);
            }
            else
            {
                Tiles3x32(rows, rowTiles, segment, steps, partial, ref ahead);
            }

            for (int i = 0; i < rowTiles; i++)
            {
                AddRoot(roots + (i * tree), tileRows, totals + (i * tileRows * TokenBlock));
            }
        }
    }

    /// <summary>The piece that is widened after a group's: the next rows of the block, or its next columns, or the next block.</summary>
    private static PanelAhead Following<T>(
        in WeightMatrix w, int block, int nextRow, int blockEnd, int toRow, int column, int paddedColumns, int calls)
        where T : IWeightFormat
    {
        int row = nextRow;
        int end = blockEnd;
        if (row >= blockEnd)
        {
            column += PlainDot.Segment;
            row = block;
            if (column >= paddedColumns)
            {
                column = 0;
                row = blockEnd;
                end = toRow;
            }
        }

        return PanelAhead.Of<T>(in w, row, end, column, Math.Min(PlainDot.Segment, paddedColumns - column), calls);
    }

    /// <summary>Adds a tile's products to its rows' totals of the segments before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRoot(float* root, int rows, float* totals)
    {
        for (int row = 0; row < rows; row++, totals += TokenBlock)
        {
            for (int t = 0; t < TileTokens; t += 16, root += 16)
            {
                (Vector512.Load(totals + t) + Vector512.Load(root)).Store(totals + t);
            }
        }
    }

    /// <summary>Stores a block's products, which lie with tokens side by side, where a token's rows lie side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreTotals(float* totals, int rows, int tokens, ref float y, int yStride)
    {
        for (int token = 0; token < tokens; token++, totals++)
        {
            ref float result = ref Unsafe.Add(ref y, (nint)token * yStride);
            float* source = totals;
            int row = 0;
            for (; row <= rows - 4; row += 4, source += 4 * TokenBlock)
            {
                Vector128.Create(source[0], source[TokenBlock], source[2 * TokenBlock], source[3 * TokenBlock])
                    .StoreUnsafe(ref result, (nuint)row);
            }

            for (; row < rows; row++, source += TokenBlock)
            {
                Unsafe.Add(ref result, row) = source[0];
            }
        }
    }
}
