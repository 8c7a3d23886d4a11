using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>The batch form: every neuron, for many tokens at once.</content>
public static partial class OrderedDown
{
    /// <summary>Columns to a panel, and neurons: 16 KiB of F32, half of a first-level cache.</summary>
    private const int PanelColumns = 32;

    private const int PanelNeurons = 128;

    /// <summary>Tokens to a register tile: with 16 columns, 12 of 16 vectors of 8 lanes, with room for a row and a factor.</summary>
    private const int TileTokens = 6;

    /// <summary>
    /// Tokens whose activations for a panel's neurons are copied together: read in place, thousands of bytes apart, they evict one another
    /// for every panel anew. A multiple of <see cref="TileTokens"/>.
    /// </summary>
    private const int TokenBlock = 96;

    /// <summary>Length of the scratch that <c>Multiply</c> needs, whatever the shape.</summary>
    public const int PanelLength = (PanelNeurons * PanelColumns) + (TokenBlock * PanelNeurons);

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
    /// <param name="panel">Scratch of <see cref="PanelLength"/> elements, the calling thread's own.</param>
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
        where T : IWeightFormat
    {
        if (panel.Length < PanelLength)
            throw new ArgumentException($"The scratch has {panel.Length} elements of {PanelLength} needed.", nameof(panel));
        if (fromColumn >= toColumn)
            return;
        for (int token = 0; token < tokens; token++)
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, ((nint)token * yStride) + fromColumn), toColumn - fromColumn).Clear();

        if (T.QuantizesInput)
        {
            MultiplyBlocks<T>(in down, neurons, ref h, hStride, tokens, ref y, yStride, fromColumn, toColumn);
            return;
        }

        ref float rows = ref MemoryMarshal.GetReference(panel);
        Span<float> factors = panel.Slice(PanelNeurons * PanelColumns, TokenBlock * PanelNeurons);
        for (int token = 0; token < tokens; token += TokenBlock)
        {
            int blockTokens = Math.Min(TokenBlock, tokens - token);
            for (int neuron = 0; neuron < neurons; neuron += PanelNeurons)
            {
                int count = Math.Min(PanelNeurons, neurons - neuron);
                for (int t = 0; t < blockTokens; t++)
                {
                    ref float source = ref Unsafe.Add(ref h, ((nint)(token + t) * hStride) + neuron);
                    MemoryMarshal.CreateReadOnlySpan(ref source, count).CopyTo(factors[(t * PanelNeurons)..]);
                }
                for (int column = fromColumn; column < toColumn; column += PanelColumns)
                {
                    Widen<T>(in down, neuron, count, column, ref rows);
                    ref float sums = ref Unsafe.Add(ref y, ((nint)token * yStride) + column);
                    AddPanels(ref rows, count, ref MemoryMarshal.GetReference(factors), blockTokens, ref sums, yStride);
                }
            }
        }
    }

    /// <summary>Block formats: a block of neurons, which stays in the caches, for each token.</summary>
    private static void MultiplyBlocks<T>(
        in DownMatrix down, int neurons, ref float h, int hStride, int tokens, ref float y, int yStride, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
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

    /// <summary>Adds a panel's neurons to the sums of its columns for a block of tokens.</summary>
    private static void AddPanels(ref float rows, int count, ref float factors, int tokens, ref float y, int yStride)
    {
        int token = 0;
        for (; token <= tokens - TileTokens; token += TileTokens)
        {
            ref float tileFactors = ref Unsafe.Add(ref factors, token * PanelNeurons);
            ref float sums = ref Unsafe.Add(ref y, (nint)token * yStride);
            Tile(ref rows, count, ref tileFactors, ref sums, yStride);
            Tile(ref Unsafe.Add(ref rows, 16), count, ref tileFactors, ref Unsafe.Add(ref sums, 16), yStride);
        }
        for (; token < tokens; token++)
            AddPanel(ref rows, count, ref Unsafe.Add(ref factors, token * PanelNeurons), ref Unsafe.Add(ref y, (nint)token * yStride));
    }

    /// <summary>Brings 32 columns of a run of neurons to F32 and true scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<T>(in DownMatrix down, int neuron, int count, int column, ref float rows)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.DownUnfold);
        for (int i = 0; i < count; i++)
        {
            T.LoadDown32(
                ref down.Scales(neuron + i), ref down.Neuron(neuron + i), (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).StoreUnsafe(ref rows, (nuint)(i * PanelColumns));
            (hi * unfold).StoreUnsafe(ref rows, (nuint)((i * PanelColumns) + 16));
        }
    }

    /// <summary>Six tokens by 16 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(ref float rows, int count, ref float h, ref float y, int yStride)
    {
        nuint stride = (nuint)yStride;
        Vector512<float> sum0 = Vector512.LoadUnsafe(ref y);
        Vector512<float> sum1 = Vector512.LoadUnsafe(ref y, stride);
        Vector512<float> sum2 = Vector512.LoadUnsafe(ref y, 2 * stride);
        Vector512<float> sum3 = Vector512.LoadUnsafe(ref y, 3 * stride);
        Vector512<float> sum4 = Vector512.LoadUnsafe(ref y, 4 * stride);
        Vector512<float> sum5 = Vector512.LoadUnsafe(ref y, 5 * stride);
        for (nuint i = 0; i < (nuint)count; i++)
        {
            Vector512<float> row = Vector512.LoadUnsafe(ref rows, i * PanelColumns);
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i)), row, sum0);
            sum1 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i + PanelNeurons)), row, sum1);
            sum2 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i + (2 * PanelNeurons))), row, sum2);
            sum3 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i + (3 * PanelNeurons))), row, sum3);
            sum4 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i + (4 * PanelNeurons))), row, sum4);
            sum5 = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref h, i + (5 * PanelNeurons))), row, sum5);
        }
        sum0.StoreUnsafe(ref y);
        sum1.StoreUnsafe(ref y, stride);
        sum2.StoreUnsafe(ref y, 2 * stride);
        sum3.StoreUnsafe(ref y, 3 * stride);
        sum4.StoreUnsafe(ref y, 4 * stride);
        sum5.StoreUnsafe(ref y, 5 * stride);
    }

    /// <summary>One token by 32 columns: what the tiles leave over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPanel(ref float rows, int count, ref float h, ref float y)
    {
        Vector512<float> lo = Vector512.LoadUnsafe(ref y);
        Vector512<float> hi = Vector512.LoadUnsafe(ref y, 16);
        for (nuint i = 0; i < (nuint)count; i++)
        {
            Vector512<float> factor = Vector512.Create(Unsafe.Add(ref h, i));
            lo = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref rows, i * PanelColumns), lo);
            hi = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref rows, (i * PanelColumns) + 16), hi);
        }
        lo.StoreUnsafe(ref y);
        hi.StoreUnsafe(ref y, 16);
    }
}
