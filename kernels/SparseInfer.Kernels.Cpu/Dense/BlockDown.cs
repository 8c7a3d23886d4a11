using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The down product in the block formats. 32 neurons share a row of scales, so their activations are quantized together, in steps of the block's
/// largest one's 32,767th (Q8_0) or 127th (Q4_0); what they add to a column is then an exact sum of integers, in any order, and enters the
/// column's sum by one fused multiply-add with scale times step. Neurons that are zero take no part in any of this.
/// </summary>
/// <remarks>
/// Four rows at a time go through the columns, as memory likes it, while the next four of the list are fetched; integer sums wait in a small
/// buffer from one four to the next.
/// </remarks>
internal static unsafe class BlockDown
{
    private const int BlockNeurons = DownMatrix.BlockNeurons;

    /// <summary>Columns that a pass takes: their integer sums fit the first-level cache.</summary>
    private const int TileColumns = 4096;

    /// <summary>Adds the neurons of a list that have an activation; those behind are fetched.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where TKernel : struct, IBlockDownKernel
    {
        int* room = stackalloc int[Math.Min(TileColumns, toColumn - fromColumn) + 8];
        int* sums = (int*)(((nuint)room + 31) & ~(nuint)31);
        fixed (float* results = &y)
        {
            for (int column = fromColumn; column < toColumn; column += TileColumns)
                AddTile<TKernel>(in down, active, h, results, column, Math.Min(column + TileColumns, toColumn), sums);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, float* y, int fromColumn, int toColumn, int* sums)
        where TKernel : struct, IBlockDownKernel
    {
        short* quants = stackalloc short[BlockNeurons + 3];
        int lines = Avx2.IsSupported && Fma.IsSupported ? (toColumn - fromColumn) / TKernel.LineColumns * TKernel.LineColumns : 0;
        int last = active.Length - 1;
        for (int n = 0; n < h.Length;)
        {
            int block = active[n] / BlockNeurons;
            int end = n + 1;
            while (end < h.Length && active[end] / BlockNeurons == block)
                end++;
            int count = end - n;
            float step = Quantize<TKernel>(h.Slice(n, count), quants, out int sum);
            if (step != 0)
            {
                // A four that the block does not fill repeats a row, times zero.
                quants[count] = quants[count + 1] = quants[count + 2] = 0;
                byte* ahead = down.Block(active[Math.Min(end, last)] / BlockNeurons);
                var scales = new BlockScales(down.Block(block), ahead, step, sum);
                for (int i = 0; lines > 0 && i < count; i += 4)
                {
                    int at = n + i;
                    int stop = end - 1;
                    FourRows rows = down.Four(
                        active[at], active[Math.Min(at + 1, stop)], active[Math.Min(at + 2, stop)], active[Math.Min(at + 3, stop)]);
                    at = Math.Min(at + 4, end);
                    FourRows next = down.Four(
                        active[Math.Min(at, last)],
                        active[Math.Min(at + 1, last)],
                        active[Math.Min(at + 2, last)],
                        active[Math.Min(at + 3, last)]);
                    TKernel.AddFour(
                        in rows, in next, quants + i, i, i + 4 >= count, in scales, fromColumn, fromColumn + lines, sums, y);
                }
                for (int column = fromColumn + lines; column < toColumn; column++)
                    AddColumn<TKernel>(in down, active[n..end], quants, in scales, column, y);
            }
            n = end;
        }
    }

    /// <summary>Rounds a block's activations to multiples of a step, to nearest, ties to even; returns the step, 0 where there is nothing to add.</summary>
    private static float Quantize<TKernel>(ReadOnlySpan<float> h, short* quants, out int sum)
        where TKernel : struct, IBlockDownKernel
    {
        float largest = 0;
        foreach (float value in h)
            largest = MathF.Max(largest, MathF.Abs(value));
        sum = 0;
        if (largest < QuantizedInput.Smallest)
            return 0;
        float inverse = TKernel.Range / largest;
        for (int i = 0; i < h.Length; i++)
        {
            quants[i] = (short)MathF.Round(h[i] * inverse);
            sum += quants[i];
        }
        return largest / TKernel.Range;
    }

    /// <summary>One column: what lines leave over, and processors without AVX2.</summary>
    private static void AddColumn<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> neurons, short* quants, in BlockScales scales, int column, float* y)
        where TKernel : struct, IBlockDownKernel
    {
        int sum = 0;
        for (int i = 0; i < neurons.Length; i++)
            sum += TKernel.Quant(ref down.Neuron(neurons[i]), column) * quants[i];
        float scale = Widening.Half(((short*)scales.Halves)[column]);
        y[column] = MathF.FusedMultiplyAdd(sum, scale * scales.Step, y[column]);
    }

    /// <summary>What a block's integer sums are multiplied with.</summary>
    /// <param name="halves">The block's row of scales.</param>
    /// <param name="ahead">The next block's, to be fetched.</param>
    /// <param name="step">The step of its activations.</param>
    /// <param name="sum">Sum of its activations' quants.</param>
    internal readonly ref struct BlockScales(byte* halves, byte* ahead, float step, int sum)
    {
        public byte* Halves { get; } = halves;

        public byte* Ahead { get; } = ahead;

        public float Step { get; } = step;

        public int Sum { get; } = sum;

        /// <summary>Adds 16 columns' integer sums, given in two vectors, to y.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(Vector256<int> first, Vector256<int> second, byte* halves, Vector256<float> step, float* y)
        {
            Fma.MultiplyAdd(Avx.ConvertToVector256Single(first), Scale(halves) * step, Vector256.Load(y)).Store(y);
            Fma.MultiplyAdd(Avx.ConvertToVector256Single(second), Scale(halves + 16) * step, Vector256.Load(y + 8)).Store(y + 8);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<float> Scale(byte* halves) =>
            (Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)halves), 13) & Vector256.Create(unchecked((int)0x8FFFFFFF))).AsSingle()
                * Vector256.Create(Widening.HalfUnfold);
    }
}

/// <summary>What a format brings to <see cref="BlockDown"/>.</summary>
internal unsafe interface IBlockDownKernel
{
    /// <summary>The largest quant of an activation.</summary>
    static abstract float Range { get; }

    /// <summary>Columns in a cache line of a neuron's row: those that are taken at once.</summary>
    static abstract int LineColumns { get; }

    /// <summary>One weight's quant.</summary>
    static abstract int Quant(ref byte row, int column);

    /// <summary>Adds four neurons of a block, with AVX2.</summary>
    /// <param name="rows">Their rows.</param>
    /// <param name="next">The next four's.</param>
    /// <param name="quants">Their activations.</param>
    /// <param name="index">How many of the block came before; at 0 the sums begin.</param>
    /// <param name="isLast">Whether no more follow: then the sums are scaled and added to y.</param>
    /// <param name="scales">The block's scales.</param>
    /// <param name="fromColumn">The first column.</param>
    /// <param name="toColumn">Behind the last: whole lines on.</param>
    /// <param name="sums">Room for an integer a column.</param>
    /// <param name="y">The results, column 0's first.</param>
    static abstract void AddFour(
        in FourRows rows,
        in FourRows next,
        short* quants,
        int index,
        bool isLast,
        in BlockDown.BlockScales scales,
        int fromColumn,
        int toColumn,
        int* sums,
        float* y);
}
