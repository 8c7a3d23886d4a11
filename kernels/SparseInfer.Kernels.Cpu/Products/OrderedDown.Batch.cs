using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// The batch form: every neuron, for many tokens at once. Sums of a block of tokens and columns are kept close together in the second-level
/// cache until all neurons of a slice have been: in place, thousands of bytes apart from token to token, they would evict one another.
/// </content>
public static unsafe partial class OrderedDown
{
    /// <summary>Columns to a tile and to a panel, and neurons to a panel: 16 KiB of F32, half of a first-level cache.</summary>
    private const int StripColumns = 32;

    private const int PanelNeurons = 128;

    /// <summary>Columns of a block: pieces of rows that memory gives at a good rate.</summary>
    private const int ColumnBlock = 512;

    /// <summary>Tokens to a register tile with vectors of 8 lanes, and of 16.</summary>
    private const int TileTokens = 3;

    private const int WideTileTokens = 6;

    /// <summary>As many tokens of plain formats are faster one by one than as a tile, for which neurons are widened strip by strip.</summary>
    private const int FewTokens = 4;

    /// <summary>Tokens of a block, a multiple of both: the least that takes a prompt batch of 128.</summary>
    private const int TokenBlock = 132;

    /// <summary>Distance between tokens' activations for a panel's neurons: a cache line more than their number.</summary>
    private const int FactorStride = PanelNeurons + 16;

    private const int SumsLength = TokenBlock * ColumnBlock;

    private const int FactorsLength = TokenBlock * FactorStride;

    /// <summary>What products of integers need besides sums.</summary>
    private const int GroupLength = FactorsLength + (PanelNeurons * StripColumns);

    /// <summary>Length of the scratch that <c>Multiply</c> needs, whatever the shape. With more, block formats take more columns at once.</summary>
    public const int PanelLength = SumsLength + GroupLength;

    /// <summary>
    /// <c>y[t, j] = Σ h[t, i] * w_down[i, j]</c> for a range of columns, every neuron and token: the bits of <see cref="AccumulateSlices"/>
    /// and <see cref="SumSlices"/>.
    /// </summary>
    /// <param name="down">The matrix.</param>
    /// <param name="slices">Its neurons, as they are divided.</param>
    /// <param name="h">The activations: a row for each token.</param>
    /// <param name="hStride">Distance between the tokens' rows of h, in elements.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="y">The results, overwritten: a row for each token, column 0 first.</param>
    /// <param name="yStride">Distance between the tokens' rows of y, in elements.</param>
    /// <param name="fromColumn">First column, a multiple of 32.</param>
    /// <param name="toColumn">End of the range, a multiple of 32: at most the padded width.</param>
    /// <param name="panel">Scratch of <see cref="PanelLength"/> elements, the calling thread's own; best at a multiple of 64 bytes.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void Multiply<T>(
        in DownMatrix down,
        NeuronSlices slices,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        Span<float> panel)
        where T : IWeightArithmetic =>
        MultiplyTiled<T>(
            Vector512.IsHardwareAccelerated, in down, slices, ref h, hStride, tokens, ref y, yStride, fromColumn, toColumn, panel);

    /// <summary>As the public method, with the register tile chosen: of vectors of 16 lanes, or of 8.</summary>
    internal static void MultiplyTiled<T>(
        bool wide,
        in DownMatrix down,
        NeuronSlices slices,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        Span<float> panel)
        where T : IWeightArithmetic
    {
        if (panel.Length < PanelLength)
        {
            throw new ArgumentException($"The scratch has {panel.Length} elements of {PanelLength} needed.", nameof(panel));
        }

        int columns = ColumnBlock;
        bool multipliesIntegers = T.HasTiles && IntegerTile.IsSupported && tokens >= T.LeastDownTokens;
        bool oneByOne = T.QuantizesInput ? !multipliesIntegers : tokens <= FewTokens;
        if (multipliesIntegers || oneByOne)
        {
            // As many as there is room for, in equal parts: each may quantize the activations once more.
            int together = Math.Clamp(tokens, 1, TokenBlock);
            int most = (multipliesIntegers ? (panel.Length - GroupLength) / IntegerProduct.Pad(together) : PanelLength / together) & ~31;
            int parts = Math.Max(1, (toColumn - fromColumn + most - 1) / most);
            columns = Padding.Pad((toColumn - fromColumn + parts - 1) / parts);
        }

        fixed (float* scratch = panel)
        {
            for (int token = 0; token < tokens; token += TokenBlock)
            {
                ref float values = ref Unsafe.Add(ref h, (nint)token * hStride);
                ref float results = ref Unsafe.Add(ref y, (nint)token * yStride);
                int count = Math.Min(TokenBlock, tokens - token);
                for (int column = fromColumn; column < toColumn; column += columns)
                {
                    int end = Math.Min(column + columns, toColumn);
                    if (multipliesIntegers)
                    {
                        MultiplyIntegers<T>(in down, slices, ref values, hStride, count, ref results, yStride, column, end, scratch);
                    }
                    else if (oneByOne)
                    {
                        MultiplyOneByOne<T>(in down, slices, ref values, hStride, count, ref results, yStride, column, end, scratch);
                    }
                    else
                    {
                        MultiplyBlock<T>(wide, in down, slices, ref values, hStride, count, ref results, yStride, column, end, scratch);
                    }
                }
            }
        }
    }

    /// <summary>Block formats: some blocks of 32 neurons for all tokens, as products of integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyIntegers<T>(
        in DownMatrix down,
        NeuronSlices slices,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        float* scratch)
        where T : IWeightArithmetic
    {
        int padded = IntegerProduct.Pad(tokens);
        float* sums = scratch;
        byte* factors = (byte*)(scratch + ((toColumn - fromColumn) * padded));
        int* inputSums = (int*)(factors + (IntegerDown.GroupBlocks * padded * IntegerDown.MostQuantBytes));
        float* steps = (float*)(inputSums + (IntegerDown.GroupBlocks * padded));
        var batch = new IntegerDown.Batch(
            factors, inputSums, steps, padded, sums, new IntegerDown.Scratch(factors + IntegerDown.Batch.GroupBytes(padded)));
        for (int slice = 0; slice < slices.Count; slice++)
        {
            new Span<float>(sums, padded * (toColumn - fromColumn)).Clear();
            int last = slices.First(slice + 1);
            for (int neuron = slices.First(slice); neuron < last; neuron += IntegerDown.GroupBlocks * DownMatrix.BlockNeurons)
            {
                int end = Math.Min(last, neuron + (IntegerDown.GroupBlocks * DownMatrix.BlockNeurons));
                ref float values = ref Unsafe.Add(ref h, neuron);
                if (!T.TryAddDownTiles(in down, ref values, hStride, tokens, in batch, neuron, end, fromColumn, toColumn))
                {
                    for (int first = neuron; first < end; first += DownMatrix.BlockNeurons)
                    {
                        AddOneByOne<T>(
                            in down, first, end, ref Unsafe.Add(ref values, first - neuron), hStride, tokens, sums, padded, fromColumn, toColumn);
                    }
                }
            }

            for (int column = fromColumn; column < toColumn; column += IntegerTile.Outputs, sums += padded * IntegerTile.Outputs)
            {
                ref float result = ref Unsafe.Add(ref y, column);
                for (int t = 0; t < tokens; t++, result = ref Unsafe.Add(ref result, yStride))
                {
                    Vector512<float> sum = Vector512.Load(sums + (t * IntegerTile.Outputs));
                    (slice == 0 ? sum : Vector512.LoadUnsafe(ref result) + sum).StoreUnsafe(ref result);
                }
            }

            sums = scratch;
        }
    }

    /// <summary>A block of 32 neurons, token by token, where sums lie as products of integers leave them.</summary>
    private static void AddOneByOne<T>(
        in DownMatrix down, int neuron, int end, ref float h, int hStride, int tokens, float* sums, int padded, int fromColumn, int toColumn)
        where T : IWeightArithmetic
    {
        int count = Math.Min(DownMatrix.BlockNeurons, end - neuron);
        Span<int> list = stackalloc int[DownMatrix.BlockNeurons];
        for (int i = 0; i < count; i++)
        {
            list[i] = neuron + i;
        }

        Span<float> strip = stackalloc float[IntegerDown.StripColumns];
        for (int column = fromColumn; column < toColumn; column += IntegerDown.StripColumns, sums += padded * IntegerDown.StripColumns)
        {
            for (int t = 0; t < tokens; t++)
            {
                var first = new Span<float>(sums + (t * IntegerTile.Outputs), IntegerTile.Outputs);
                var second = new Span<float>(sums + ((padded + t) * IntegerTile.Outputs), IntegerTile.Outputs);
                first.CopyTo(strip);
                second.CopyTo(strip[IntegerTile.Outputs..]);
                ReadOnlySpan<float> values = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref h, (nint)t * hStride), count);
                T.AddDown(in down, list[..count], values, ref Unsafe.Subtract(ref strip[0], column), column, column + IntegerDown.StripColumns);
                strip[..IntegerTile.Outputs].CopyTo(first);
                strip[IntegerTile.Outputs..].CopyTo(second);
            }
        }
    }

    /// <summary>A block of 32 neurons, which stays in the caches, for each token.</summary>
    private static void MultiplyOneByOne<T>(
        in DownMatrix down,
        NeuronSlices slices,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        float* sums)
        where T : IWeightArithmetic
    {
        int columns = toColumn - fromColumn;
        Span<int> block = stackalloc int[DownMatrix.BlockNeurons];
        for (int slice = 0; slice < slices.Count; slice++)
        {
            new Span<float>(sums, tokens * columns).Clear();
            int end = slices.First(slice + 1);
            for (int neuron = slices.First(slice); neuron < end; neuron += block.Length)
            {
                Span<int> list = block[..Math.Min(block.Length, end - neuron)];
                for (int i = 0; i < list.Length; i++)
                {
                    list[i] = neuron + i;
                }

                for (int t = 0; t < tokens; t++)
                {
                    ReadOnlySpan<float> values = MemoryMarshal.CreateReadOnlySpan(
                        ref Unsafe.Add(ref h, ((nint)t * hStride) + neuron), list.Length);
                    T.AddDown(in down, list, values, ref *(sums + (t * columns) - fromColumn), fromColumn, toColumn);
                }
            }

            for (int t = 0; t < tokens; t++)
            {
                AddSums(sums + (t * columns), ref Unsafe.Add(ref y, ((nint)t * yStride) + fromColumn), columns, isFirst: slice == 0);
            }
        }
    }

    /// <summary>A slice's sums for a token and some columns: the first slice's are the results so far, those of others are added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSums(float* sums, ref float y, int columns, bool isFirst)
    {
        if (isFirst)
        {
            new ReadOnlySpan<float>(sums, columns).CopyTo(MemoryMarshal.CreateSpan(ref y, columns));
        }
        else
        {
            Elementwise.Add(ref y, ref *sums, 0, columns);
        }
    }

    /// <summary>A block of tokens and columns, panel of neurons by panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBlock<T>(
        bool wide,
        in DownMatrix down,
        NeuronSlices slices,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        float* scratch)
        where T : IWeightFormat
    {
        float* sums = scratch;
        float* factors = sums + SumsLength;
        float* rows = factors + FactorsLength;
        int tileTokens = wide ? WideTileTokens : TileTokens;
        int tiles = (tokens + tileTokens - 1) / tileTokens;
        int neuronsAhead = (PanelNeurons + tiles - 1) / tiles;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            int first = slices.First(slice);
            int end = slices.First(slice + 1);
            int panels = (end - first + PanelNeurons - 1) / PanelNeurons;
            new Span<float>(sums, SumsLength).Clear();
            for (int panel = 0; panel < panels; panel++)
            {
                // Panels of one size: short ones spend more of their time on loading sums.
                int neuron = first + ((end - first) * panel / panels);
                int behind = first + ((end - first) * (panel + 1) / panels);
                int count = behind - neuron;
                for (int t = 0; t < tokens; t++)
                {
                    MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref h, ((nint)t * hStride) + neuron), count)
                        .CopyTo(new Span<float>(factors + (t * FactorStride), count));
                }

                for (int column = fromColumn; column < toColumn; column += StripColumns)
                {
                    Widen<T>(in down, neuron, count, column, rows);
                    // Where tokens run out, a tile adds up whatever lies in the scratch; nobody reads that.
                    float* strip = sums + ((column - fromColumn) * TokenBlock);
                    bool last = column + StripColumns >= toColumn;
                    int aheadColumn = last ? fromColumn : column + StripColumns;
                    int ahead = last ? behind : neuron;
                    int aheadEnd = Math.Min(ahead + PanelNeurons, last ? slices.Neurons : behind);
                    for (int t = 0; t < tokens; t += tileTokens)
                    {
                        int share = Math.Min(aheadEnd, ahead + neuronsAhead);
                        for (; ahead < share; ahead++)
                        {
                            FetchStrip<T>(in down, ahead, aheadColumn);
                        }

                        if (wide)
                        {
                            Tile6x32(rows, count, factors + (t * FactorStride), strip + (t * StripColumns));
                        }
                        else
                        {
                            Tile3x32(rows, count, factors + (t * FactorStride), strip + (t * StripColumns));
                        }
                    }
                }
            }

            for (int t = 0; t < tokens; t++)
            {
                for (int column = fromColumn; column < toColumn; column += StripColumns)
                {
                    float* strip = sums + ((column - fromColumn) * TokenBlock) + (t * StripColumns);
                    AddSums(strip, ref Unsafe.Add(ref y, ((nint)t * yStride) + column), StripColumns, isFirst: slice == 0);
                }
            }
        }
    }

    /// <summary>
    /// Asks for the strip of a neuron that will be widened next, each from another page, where the processor's own prefetching does not
    /// reach. A tile asks for a few; all at once would fill the queue of misses and stall it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchStrip<T>(in DownMatrix down, int neuron, int column)
        where T : IWeightFormat
    {
        byte* strip = (byte*)Unsafe.AsPointer(ref down.Neuron(neuron)) + T.DownNeuronBytes(column);
        for (nint offset = 0; offset < T.DownNeuronBytes(StripColumns); offset += 64)
        {
            Prefetch.Line(strip + offset);
        }
    }

    /// <summary>Brings a strip of a run of neurons to F32 and true scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<T>(in DownMatrix down, int neuron, int count, int column, float* rows)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.DownUnfold);
        for (int i = 0; i < count; i++, rows += StripColumns)
        {
            T.LoadDown32(
                ref down.Scales(neuron + i),
                ref down.Neuron(neuron + i),
                down.InBlock(neuron + i),
                down.PaddedColumns,
                (nuint)column,
                out Vector512<float> lo,
                out Vector512<float> hi);
            (lo * unfold).Store(rows);
            (hi * unfold).Store(rows + 16);
        }
    }
}
