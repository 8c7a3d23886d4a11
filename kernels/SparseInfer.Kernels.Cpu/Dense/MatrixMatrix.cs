using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A matrix times a batch of vectors: how prompts are processed. Each product's lanes run along the columns as in <see cref="RowDot"/>, so
/// the results have the bits of <see cref="MatrixVector"/>; tiles of rows by tokens share the loads.
/// </summary>
/// <remarks>
/// Three levels: a register tile; a group of rows by one <see cref="PlainDot.Segment"/> of columns, widened to F32, in the first-level
/// cache; and the same columns of a block of tokens in the second. Both are copied close together: where they lie, often a power of two apart,
/// they would evict one another. Leaf loops in this room are optimised at their first call: a prompt is one call, and would be over
/// before the runtime takes notice of them.
/// </remarks>
public static partial class MatrixMatrix
{
    /// <summary>Tokens to a block: with a segment of their columns, 128 KiB.</summary>
    private const int TokenBlock = 64;

    /// <summary>Rows to a group: a panel of 16 KiB.</summary>
    private const int RowGroup = 12;

    private const int Lanes = 16;

    /// <summary>Floats that a tile's sums take: 12 vectors of 8.</summary>
    private const int TileSums = 96;

    /// <summary>Tokens whose inputs are quantized together: rows of a block format are then dotted with as many.</summary>
    private const int QuantizedTokens = 16;

    private const int TiledLength = TileSums + ((RowGroup + TokenBlock) * PlainDot.Segment);

    /// <summary>Length of the scratch that <c>Multiply</c> needs.</summary>
    /// <param name="paddedColumns">Padded columns of the widest matrix.</param>
    public static int PanelLength(int paddedColumns) => Math.Max(TiledLength, checked(QuantizedTokens * paddedColumns));

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
    /// <param name="panel">Scratch of <see cref="PanelLength"/> elements for this or a greater width, the calling thread's own.</param>
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

    /// <summary>As the public method, with the register tile chosen: 4 x 4 for vectors of 16 lanes, 4 x 3 for their halves.</summary>
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
        if (T.QuantizesInput)
        {
            MultiplyQuantized<T>(in w, fromRow, toRow, paddedColumns, ref x, xStride, tokens, ref y, yStride, panel);
            return;
        }

        ref float sums = ref MemoryMarshal.GetReference(panel);
        ref float rows = ref Unsafe.Add(ref sums, TileSums);
        ref float inputs = ref Unsafe.Add(ref rows, RowGroup * PlainDot.Segment);
        for (int token = 0; token < tokens; token += TokenBlock)
        {
            int blockTokens = Math.Min(TokenBlock, tokens - token);
            for (int column = 0; column < paddedColumns; column += PlainDot.Segment)
            {
                int columns = Math.Min(PlainDot.Segment, paddedColumns - column);
                for (int t = 0; t < blockTokens; t++)
                {
                    MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref x, ((nint)(token + t) * xStride) + column), columns)
                        .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref inputs, t * columns), columns));
                }
                for (int row = fromRow; row < toRow; row += RowGroup)
                {
                    int groupRows = Math.Min(RowGroup, toRow - row);
                    Widen<T>(in w, row, groupRows, column, columns, ref rows);
                    ref float groupY = ref Unsafe.Add(ref y, ((nint)token * yStride) + row);
                    PanelAhead ahead = PanelAhead.Of<T>(in w, row + RowGroup, toRow, column, columns);
                    if (wide)
                        Add4x4(ref rows, groupRows, columns, ref inputs, blockTokens, ref sums, ref groupY, yStride, column == 0, ahead);
                    else
                        Add4x3(ref rows, groupRows, columns, ref inputs, blockTokens, ref sums, ref groupY, yStride, column == 0, ahead);
                }
            }
        }
    }

    /// <summary>
    /// Block formats: the inputs of some tokens are quantized, then four rows at a time, which stay in the first-level cache, are dotted with each.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyQuantized<T>(
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
        ref float inputs = ref MemoryMarshal.GetReference(panel);
        Span<float> undo = stackalloc float[QuantizedTokens];
        int lastRow = toRow - 1;
        for (int token = 0; token < tokens; token += QuantizedTokens)
        {
            int blockTokens = Math.Min(QuantizedTokens, tokens - token);
            for (int t = 0; t < blockTokens; t++)
            {
                undo[t] = T.PrepareInput(
                    in Unsafe.Add(ref x, (nint)(token + t) * xStride), ref Unsafe.Add(ref inputs, (nint)t * paddedColumns), paddedColumns);
            }
            for (int row = fromRow; row < toRow; row += 4)
            {
                FourRows rows = row + 4 <= toRow
                    ? w.Four(row)
                    : w.Four(row, Math.Min(row + 1, lastRow), Math.Min(row + 2, lastRow), Math.Min(row + 3, lastRow));
                FourRows next = w.Four(row + 4);
                for (int t = 0; t < blockTokens; t++)
                {
                    Vector128<float> dots = undo[t] * RowDot.Four<T>(
                        ref Unsafe.Add(ref inputs, (nint)t * paddedColumns), in rows, in next, paddedColumns);
                    ref float result = ref Unsafe.Add(ref y, ((nint)(token + t) * yStride) + row);
                    if (row + 4 <= toRow)
                    {
                        dots.StoreUnsafe(ref result);
                    }
                    else
                    {
                        for (int i = row; i < toRow; i++)
                            Unsafe.Add(ref result, i - row) = dots.GetElement(i - row);
                    }
                }
            }
        }
    }

    /// <summary>Brings a group of rows' columns to F32 and true scale.</summary>
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

    /// <summary>
    /// The piece of the matrix that is widened after this one, asked for while this one is worked with: a row of it ends where the
    /// processor's own prefetching has just begun.
    /// </summary>
    private unsafe struct PanelAhead
    {
        private byte* _row;
        private nint _stride;
        private nint _offset;
        private nint _rowBytes;
        private int _lines;
        private int _fetched;

        public static PanelAhead Of<T>(in WeightMatrix w, int fromRow, int toRow, int column, int columns)
            where T : IWeightFormat
        {
            int rows = Math.Clamp(toRow - fromRow, 0, RowGroup);
            nint rowBytes = T.RowBytes(columns);
            return new PanelAhead
            {
                _row = w.Four(fromRow).First + T.RowBytes(column),
                _stride = w.Stride,
                _rowBytes = rowBytes,
                _lines = rows * (int)((rowBytes + 63) / 64),
            };
        }

        /// <summary>Asks for the part that falls to some of the tokens.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fetch(int tokens, int allTokens)
        {
            int share = Math.Min(_lines - _fetched, ((_lines * tokens) + allTokens - 1) / allTokens);
            _fetched += share;
            for (; share > 0; share--)
            {
                Prefetch.Line(_row + _offset);
                _offset += 64;
                if (_offset >= _rowBytes)
                {
                    _offset = 0;
                    _row += _stride;
                }
            }
        }
    }
}
