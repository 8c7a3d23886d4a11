using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The down product in the block formats. 32 neurons share scales, so their activations are quantized together, in steps of the largest one's
/// 32,767th or 127th, as the format says; what they add to a column is then an exact sum of integers, in any order, and enters the column's sum by
/// one fused multiply-add with scale times step; where there is a minimum, it enters by another, with the sum of the activations. Neurons that are
/// zero take no part in any of this.
/// </summary>
/// <remarks>
/// A cache line of every row of a block is summed in registers, scaled, and added to the results, before the next line. Memory likes whole
/// rows better: so the next block's rows are fetched meanwhile, one after the other. They go to the first-level cache, though all 32 do not fit it:
/// fetched to the second, a tenth of the neurons took up to 1.8 times as long (Zen 5).
/// </remarks>
internal static unsafe class BlockDown
{
    private const int BlockNeurons = DownMatrix.BlockNeurons;

    /// <summary>The largest step that may take over the 2^112 that folded scales lack.</summary>
    public const float MaxStep = 1 << 15;

    /// <summary>Adds the neurons of a list that have an activation; those behind are fetched.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where TKernel : struct, IBlockDownKernel
    {
        short* quants = stackalloc short[BlockNeurons];
        int* pairs = stackalloc int[BlockNeurons / 2];
        byte** rows = stackalloc byte*[BlockNeurons];
        byte** next = stackalloc byte*[BlockNeurons];
        bool vectorized = Avx2.IsSupported && Fma.IsSupported;
        int full = fromColumn + ((toColumn - fromColumn) / TKernel.LineColumns * TKernel.LineColumns);
        int halves = fromColumn + ((toColumn - fromColumn) / (TKernel.LineColumns / 2) * (TKernel.LineColumns / 2));
        fixed (float* results = &y)
        {
            for (int n = 0; n < h.Length;)
            {
                int count = CountOfBlock(active[n..h.Length], active[n] / BlockNeurons);
                float step = Quantize<TKernel>(h.Slice(n, count), quants);
                ReadOnlySpan<int> neurons = active.Slice(n, count);
                n += count;
                if (step == 0)
                {
                    continue;
                }

                int column = fromColumn;
                int first = CountOfPart<TKernel>(neurons);
                var scales = new BlockScales(
                    down.ScalePointer(neurons[0]),
                    down.PaddedColumns,
                    down.InBlock(neurons[0]) / BlockNeurons,
                    step,
                    Sum(new ReadOnlySpan<short>(quants, first)),
                    Sum(new ReadOnlySpan<short>(quants + first, count - first)),
                    (first + 1) / 2);
                if (vectorized && step <= MaxStep)
                {
                    // An odd one, of either part, repeats a row, times zero.
                    int pairCount = 0;
                    for (int i = 0; i < count; pairCount++)
                    {
                        bool paired = i + 1 < count && i + 1 != first;
                        rows[2 * pairCount] = down.Pointer(neurons[i]);
                        rows[(2 * pairCount) + 1] = paired ? down.Pointer(neurons[i + 1]) : rows[2 * pairCount];
                        pairs[pairCount] = TKernel.Pair(quants[i], paired ? quants[i + 1] : (short)0);
                        i += paired ? 2 : 1;
                    }

                    RowsAhead ahead = Following<TKernel>(in down, active[n..], next, fromColumn, toColumn);
                    TKernel.AddLines<FullLine>(rows, pairs, pairCount, in scales, fromColumn, full, results, ref ahead);
                    TKernel.AddLines<HalfLine>(rows, pairs, pairCount, in scales, full, halves, results, ref ahead);
                    column = halves;
                }

                for (; column < toColumn; column++)
                {
                    AddColumn<TKernel>(in down, neurons, quants, in scales, column, results);
                }
            }
        }
    }

    /// <summary>How many neurons at the head of a list belong to a block.</summary>
    private static int CountOfBlock(ReadOnlySpan<int> active, int block)
    {
        int count = 0;
        while (count < active.Length && active[count] / BlockNeurons == block)
        {
            count++;
        }

        return count;
    }

    /// <summary>How many of a block's neurons have the first integer scale: all, where there is one.</summary>
    private static int CountOfPart<TKernel>(ReadOnlySpan<int> neurons)
        where TKernel : struct, IBlockDownKernel
    {
        if (TKernel.PartNeurons == BlockNeurons)
        {
            return neurons.Length;
        }

        int count = 0;
        while (count < neurons.Length && neurons[count] % BlockNeurons < TKernel.PartNeurons)
        {
            count++;
        }

        return count;
    }

    private static int Sum(ReadOnlySpan<short> quants)
    {
        int sum = 0;
        foreach (short quant in quants)
        {
            sum += quant;
        }

        return sum;
    }

    /// <summary>What the head of a list will ask for next: the rows of one block, and their scales.</summary>
    private static RowsAhead Following<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> active, byte** rows, int fromColumn, int toColumn)
        where TKernel : struct, IBlockDownKernel
    {
        if (active.IsEmpty)
        {
            return default;
        }

        int count = CountOfBlock(active, active[0] / BlockNeurons);
        nint from = TKernel.RowBytes(fromColumn);
        for (int i = 0; i < count; i++)
        {
            rows[i] = down.Pointer(active[i]) + from;
        }

        return new RowsAhead(rows, count, TKernel.RowBytes(toColumn) - from, down.ScalePointer(active[0]));
    }

    /// <summary>
    /// Rounds a block's activations to multiples of a step, to nearest, ties to even; returns the step, 0 where there is nothing to add.
    /// </summary>
    private static float Quantize<TKernel>(ReadOnlySpan<float> h, short* quants)
        where TKernel : struct, IBlockDownKernel
    {
        float largest = 0;
        foreach (float value in h)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        if (largest < QuantizedInput.Smallest)
        {
            return 0;
        }

        float inverse = TKernel.Range / largest;
        for (int i = 0; i < h.Length; i++)
        {
            quants[i] = (short)MathF.Round(h[i] * inverse);
        }

        return largest / TKernel.Range;
    }

    /// <summary>One column: what lines leave over, steps out of all proportion, and processors without AVX2.</summary>
    private static void AddColumn<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> neurons, short* quants, in BlockScales scales, int column, float* y)
        where TKernel : struct, IBlockDownKernel
    {
        int sum = 0;
        for (int i = 0; i < neurons.Length; i++)
        {
            int part = neurons[i] % BlockNeurons / TKernel.PartNeurons;
            sum += TKernel.Scale(in scales, part, column) * TKernel.Quant(ref down.Neuron(neurons[i]), column) * quants[i];
        }

        short* halves = (short*)scales.Halves;
        y[column] = MathF.FusedMultiplyAdd(sum, Widening.Half(halves[column]) * scales.Step, y[column]);
        if (TKernel.HasMinimum)
        {
            int minimum = -TKernel.Minimum(in scales, column) * (scales.Sum + scales.UpperSum);
            float scale = Widening.Half(halves[scales.Columns + column]);
            y[column] = MathF.FusedMultiplyAdd(minimum, scale * scales.Step, y[column]);
        }
    }

    /// <summary>What a block's integer sums are multiplied with.</summary>
    /// <param name="halves">The rows of scales, of halves first.</param>
    /// <param name="columns">Their length.</param>
    /// <param name="eighth">Which 32 neurons of a block they are.</param>
    /// <param name="step">The step of the activations.</param>
    /// <param name="sum">Sum of the activations' quants, of those neurons that have the first integer scale.</param>
    /// <param name="upperSum">Of the others.</param>
    /// <param name="pairs">Number of pairs that have the first integer scale.</param>
    internal readonly ref struct BlockScales(byte* halves, nint columns, int eighth, float step, int sum, int upperSum, int pairs)
    {
        public byte* Halves { get; } = halves;

        public nint Columns { get; } = columns;

        public int Eighth { get; } = eighth;

        public float Step { get; } = step;

        /// <summary>The step, times what folded scales lack: a power of two, so nothing is rounded that was not before.</summary>
        public float FoldedStep => Step * Widening.HalfUnfold;

        public int Sum { get; } = sum;

        public int UpperSum { get; } = upperSum;

        public int Pairs { get; } = pairs;

        /// <summary>Adds 8 columns' integer sums to y.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add(Vector256<int> sums, byte* halves, Vector256<float> step, float* y) =>
            Fma.MultiplyAdd(Avx.ConvertToVector256Single(sums), FoldedScale(halves) * step, Vector256.Load(y)).Store(y);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<float> FoldedScale(byte* halves) =>
            (Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)halves), 13)
                & Vector256.Create(unchecked((int)0x8FFFFFFF))).AsSingle();
    }

    /// <summary>The next block's rows, one after the other: a share of a row with every line of this block.</summary>
    internal ref struct RowsAhead
    {
        private readonly byte** _rows;
        private readonly int _count;
        private readonly nint _rowBytes;
        private readonly byte* _halves;
        private readonly nint _share;
        private int _row;
        private nint _offset;

        /// <summary>Describes them.</summary>
        /// <param name="rows">The rows.</param>
        /// <param name="count">Number of rows.</param>
        /// <param name="rowBytes">How much of each.</param>
        /// <param name="halves">The block's scales.</param>
        public RowsAhead(byte** rows, int count, nint rowBytes, byte* halves)
        {
            _rows = rows;
            _count = count;
            _rowBytes = rowBytes;
            _halves = halves;
            nint lines = (rowBytes + 63) / 64;
            nint steps = Math.Max(1, lines / count);
            _share = (lines + steps - 1) / steps * 64;
        }

        /// <summary>What to fetch with a line: the scales of its columns at once, of a row what is returned.</summary>
        /// <param name="column">The line's first column.</param>
        /// <param name="columns">Its columns.</param>
        /// <param name="end">Where the share ends.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* Next(nint column, int columns, out byte* end)
        {
            end = null;
            if (_row == _count)
            {
                return null;
            }

            for (nint scale = 2 * column; scale < 2 * (column + columns); scale += 64)
            {
                Sse.Prefetch0(_halves + scale);
            }

            byte* start = _rows[_row] + _offset;
            _offset += _share;
            end = start + _share;
            if (_offset >= _rowBytes)
            {
                end = _rows[_row] + _rowBytes;
                _offset = 0;
                _row++;
            }

            return start;
        }
    }

    /// <summary>How much of a cache line a kernel takes.</summary>
    internal interface ILine
    {
        static abstract bool IsFull { get; }
    }

    internal readonly struct FullLine : ILine
    {
        public static bool IsFull => true;
    }

    internal readonly struct HalfLine : ILine
    {
        public static bool IsFull => false;
    }
}

/// <summary>What a format brings to <see cref="BlockDown"/>.</summary>
internal unsafe interface IBlockDownKernel
{
    /// <summary>The largest quant of an activation.</summary>
    static abstract float Range { get; }

    /// <summary>Columns in a cache line of a neuron's row: those that are taken at once.</summary>
    static abstract int LineColumns { get; }

    /// <summary>Neurons that share an integer scale: all 32, or 16.</summary>
    static virtual int PartNeurons => DownMatrix.BlockNeurons;

    /// <summary>Whether weights are less by a minimum.</summary>
    static virtual bool HasMinimum => false;

    /// <summary>Bytes of a neuron's row before a column, a multiple of 32.</summary>
    static abstract nint RowBytes(int column);

    /// <summary>One weight's quant.</summary>
    static abstract int Quant(ref byte row, int column);

    /// <summary>The integer that a column's quants are multiplied with, before the half.</summary>
    /// <param name="scales">The block's.</param>
    /// <param name="part">Which of its parts, each with <see cref="PartNeurons"/>.</param>
    /// <param name="column">The column.</param>
    static virtual int Scale(in BlockDown.BlockScales scales, int part, int column) => 1;

    /// <summary>The integer by which, times the half of minima, a column's weights are less.</summary>
    static virtual int Minimum(in BlockDown.BlockScales scales, int column) => 0;

    /// <summary>Two neurons' activations, as <see cref="AddLines"/> wants them.</summary>
    static abstract int Pair(short first, short second);

    /// <summary>Adds a block's neurons, with AVX2.</summary>
    /// <param name="rows">Their rows, an even number.</param>
    /// <param name="pairs">Their activations, two together.</param>
    /// <param name="count">Number of pairs.</param>
    /// <param name="scales">The block's scales.</param>
    /// <param name="fromColumn">The first column.</param>
    /// <param name="toColumn">Behind the last: whole lines, or halves, on.</param>
    /// <param name="y">The results, column 0's first.</param>
    /// <param name="ahead">What is fetched meanwhile.</param>
    static abstract void AddLines<TLine>(
        byte** rows,
        int* pairs,
        int count,
        in BlockDown.BlockScales scales,
        int fromColumn,
        int toColumn,
        float* y,
        ref BlockDown.RowsAhead ahead)
        where TLine : struct, BlockDown.ILine;
}
