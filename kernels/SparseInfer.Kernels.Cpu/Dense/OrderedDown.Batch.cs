using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// The batch form: every neuron, for many tokens at once. Sums of a block of tokens and columns are kept close together in the second-level
/// cache until all neurons have been: in place, thousands of bytes apart from token to token, they would evict one another.
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

    /// <summary>Tokens of a block, a multiple of both: the least that takes a prompt batch of 128.</summary>
    private const int TokenBlock = 132;

    /// <summary>Distance between tokens' activations for a panel's neurons: a cache line more than their number.</summary>
    private const int FactorStride = PanelNeurons + 16;

    private const int SumsLength = TokenBlock * ColumnBlock;

    private const int FactorsLength = TokenBlock * FactorStride;

    /// <summary>Length of the scratch that <c>Multiply</c> needs, whatever the shape.</summary>
    public const int PanelLength = SumsLength + FactorsLength + (PanelNeurons * StripColumns);

    /// <summary>
    /// <c>y[t, j] = Σ h[t, i] * w_down[i, j]</c> for a range of columns, every neuron and token: the bits of <see cref="Accumulate"/> from
    /// +0 on.
    /// </summary>
    /// <param name="down">The matrix.</param>
    /// <param name="neurons">Its number of neurons.</param>
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
        int neurons,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        Span<float> panel)
        where T : IWeightFormat =>
        MultiplyTiled<T>(
            Vector512.IsHardwareAccelerated, in down, neurons, ref h, hStride, tokens, ref y, yStride, fromColumn, toColumn, panel);

    /// <summary>As the public method, with the register tile chosen: of vectors of 16 lanes, or of 8.</summary>
    internal static void MultiplyTiled<T>(
        bool wide,
        in DownMatrix down,
        int neurons,
        ref float h,
        int hStride,
        int tokens,
        ref float y,
        int yStride,
        int fromColumn,
        int toColumn,
        Span<float> panel)
        where T : IWeightFormat
    {
        if (panel.Length < PanelLength)
            throw new ArgumentException($"The scratch has {panel.Length} elements of {PanelLength} needed.", nameof(panel));
        if (T.QuantizesInput)
        {
            MultiplyBlocks<T>(in down, neurons, ref h, hStride, tokens, ref y, yStride, fromColumn, toColumn);
            return;
        }

        fixed (float* scratch = panel)
        {
            for (int token = 0; token < tokens; token += TokenBlock)
            {
                for (int column = fromColumn; column < toColumn; column += ColumnBlock)
                {
                    MultiplyBlock<T>(
                        wide, in down, neurons, ref Unsafe.Add(ref h, (nint)token * hStride), hStride, Math.Min(TokenBlock, tokens - token),
                        ref Unsafe.Add(ref y, (nint)token * yStride), yStride, column, Math.Min(column + ColumnBlock, toColumn), scratch);
                }
            }
        }
    }

    /// <summary>Block formats: a block of neurons, which stays in the caches, for each token.</summary>
    private static void MultiplyBlocks<T>(
        in DownMatrix down, int neurons, ref float h, int hStride, int tokens, ref float y, int yStride, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        if (fromColumn >= toColumn)
            return;
        for (int token = 0; token < tokens; token++)
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, ((nint)token * yStride) + fromColumn), toColumn - fromColumn).Clear();
        Span<int> block = stackalloc int[DownMatrix.BlockNeurons];
        for (int neuron = 0; neuron < neurons; neuron += block.Length)
        {
            Span<int> list = block[..Math.Min(block.Length, neurons - neuron)];
            for (int i = 0; i < list.Length; i++)
                list[i] = neuron + i;
            for (int token = 0; token < tokens; token++)
            {
                ReadOnlySpan<float> values = MemoryMarshal.CreateReadOnlySpan(
                    ref Unsafe.Add(ref h, ((nint)token * hStride) + neuron), list.Length);
                T.AddDown(in down, list, values, ref Unsafe.Add(ref y, (nint)token * yStride), fromColumn, toColumn);
            }
        }
    }

    /// <summary>A block of tokens and columns, panel of neurons by panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBlock<T>(
        bool wide,
        in DownMatrix down,
        int neurons,
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
        new Span<float>(sums, SumsLength).Clear();
        for (int neuron = 0; neuron < neurons; neuron += PanelNeurons)
        {
            int count = Math.Min(PanelNeurons, neurons - neuron);
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
                int ahead = last ? neuron + PanelNeurons : neuron;
                int aheadEnd = Math.Min(ahead + PanelNeurons, neurons);
                for (int t = 0; t < tokens; t += tileTokens)
                {
                    int share = Math.Min(aheadEnd, ahead + neuronsAhead);
                    for (; ahead < share; ahead++)
                        FetchStrip<T>(in down, ahead, aheadColumn);
                    if (wide)
                        Tile6x32(rows, count, factors + (t * FactorStride), strip + (t * StripColumns));
                    else
                        Tile3x32(rows, count, factors + (t * FactorStride), strip + (t * StripColumns));
                }
            }
        }
        for (int t = 0; t < tokens; t++)
        {
            for (int column = fromColumn; column < toColumn; column += StripColumns)
            {
                new ReadOnlySpan<float>(sums + ((column - fromColumn) * TokenBlock) + (t * StripColumns), StripColumns)
                    .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, ((nint)t * yStride) + column), StripColumns));
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
            Prefetch.Line(strip + offset);
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
                ref down.Scales(neuron + i), ref down.Neuron(neuron + i), (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).Store(rows);
            (hi * unfold).Store(rows + 16);
        }
    }
}
