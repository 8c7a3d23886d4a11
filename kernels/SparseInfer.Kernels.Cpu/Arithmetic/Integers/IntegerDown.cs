using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Down of a batch in block types: 32 neurons of 16 columns are a panel of <see cref="IntegerTile"/>, which meets all tokens' activations. The bits are
/// those of <see cref="BlockDown"/>: what a block adds to a column is one exact sum of integers.
/// </summary>
internal static unsafe class IntegerDown
{
    /// <summary>Columns of a strip: two panels.</summary>
    public const int StripColumns = 2 * IntegerTile.Outputs;

    /// <summary>Bytes of 32 activations' quants in any type, at most.</summary>
    public const int MostQuantBytes = 64;

    private const int BlockNeurons = DownMatrix.BlockNeurons;

    /// <summary>Blocks of 32 neurons, at most, that a strip's sums take before the next strip's do: their rows' lines stay in the second-level cache.</summary>
    public const int GroupBlocks = 4;

    /// <summary>Adds some blocks of 32 neurons to some columns' sums.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="h">The first token's activation of the first neuron.</param>
    /// <param name="hStride">Elements between two tokens'.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="batch">Room for activations as integers, and the sums.</param>
    /// <param name="neuron">The first neuron.</param>
    /// <param name="end">End of the neurons, <see cref="GroupBlocks"/> at most.</param>
    /// <param name="fromColumn">First column, a multiple of 32.</param>
    /// <param name="toColumn">End of the range, a multiple of 32.</param>
    /// <returns>Whether it did: not where a token's activations are too large for folded scales.</returns>
    public static bool TryAdd<TTile>(
        in DownMatrix down, ref float h, int hStride, int tokens, in Batch batch, int neuron, int end, int fromColumn, int toColumn)
        where TTile : struct, IDownTile
    {
        bool fit = true;
        int blocks = 0;
        for (int first = neuron; first < end; first += BlockNeurons, blocks++)
        {
            fit &= Quantize<TTile>(
                ref Unsafe.Add(ref h, first - neuron), hStride, Math.Min(BlockNeurons, end - first), tokens, batch.Of<TTile>(blocks));
        }

        if (fit)
        {
            Add<TTile>(in down, in batch, neuron, blocks, fromColumn, toColumn);
        }

        return fit;
    }

    /// <summary>Rounds a block's activations to integers; behind the last token are zeros.</summary>
    /// <returns>Whether all steps are such that folded scales can take them.</returns>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Quantize<TTile>(ref float h, int stride, int count, int tokens, Batch batch)
        where TTile : struct, IDownTile
    {
        float* values = stackalloc float[BlockNeurons];
        bool fit = true;
        for (int t = 0; t < batch.Tokens; t++)
        {
            new Span<float>(values, BlockNeurons).Clear();
            if (t < tokens)
            {
                Unsafe.CopyBlockUnaligned(values, Unsafe.AsPointer(ref Unsafe.Add(ref h, (nint)t * stride)), (uint)(count * sizeof(float)));
            }

            float step = QuantizedInput.Quantize(
                Vector512.Load(values), Vector512.Load(values + 16), TTile.Range, out Vector512<int> lower, out Vector512<int> upper);
            TTile.Pack(lower, upper, batch.Quants + ((nint)t * TTile.QuantBytes));
            batch.Sums[t] = TTile.Excess == 0
                ? (Vector512.Sum(lower) & 0xFFFF) | (Vector512.Sum(upper) << 16)
                : -TTile.Excess * Vector512.Sum(lower + upper);
            batch.Steps[t] = step * Widening.HalfUnfold;
            fit &= step <= BlockDown.MaxStep;
        }

        return fit;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TTile>(in DownMatrix down, in Batch batch, int neuron, int blocks, int fromColumn, int toColumn)
        where TTile : struct, IDownTile
    {
        float* sums = batch.Results;
        int lastBlock = (down.Neurons - 1) & ~(BlockNeurons - 1);
        for (int column = fromColumn; column < toColumn; column += StripColumns, sums += batch.Tokens * StripColumns)
        {
            bool last = column + StripColumns >= toColumn;
            for (int i = 0; i < blocks; i++)
            {
                int first = neuron + (i * BlockNeurons);
                Batch part = batch.Of<TTile>(i);
                var block = new Block(in down, first);
                TTile.PackPanels(in block, column, in part);
                var next = new Block(in down, last ? Math.Min(first + (blocks * BlockNeurons), lastBlock) : first);
                next.Fetch(TTile.RowBytes(last ? fromColumn : column + StripColumns));
                TTile.Add(in block, column, 0, in part, sums);
                TTile.Add(in block, column + IntegerTile.Outputs, 1, in part, sums + (batch.Tokens * IntegerTile.Outputs));
            }
        }
    }

    /// <summary>Adds what 16 columns' sums of integers come to, times their scales, where <see cref="Batch.Sums"/> is not added.</summary>
    public static void AddTotals(in Batch batch, Vector512<float> scales, float* sums) => AddTotals(in batch, scales, null, sums);

    /// <summary>Adds what 16 columns' sums of integers come to, times their scales.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="scales">Folded scales.</param>
    /// <param name="excess">What is added to each token's first; null: nothing.</param>
    /// <param name="sums">16 sums of each token.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTotals(in Batch batch, Vector512<float> scales, int* excess, float* sums)
    {
        int* totals = batch.Scratch.Totals;
        float* steps = batch.Steps;
        for (int t = 0; t < batch.Tokens; t++, totals += IntegerTile.Outputs, sums += IntegerTile.Outputs)
        {
            Vector512<int> total = Vector512.Load(totals);
            if (excess != null)
            {
                total += Vector512.Create(excess[t]);
            }

            Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(total), scales * steps[t], Vector512.Load(sums)).Store(sums);
        }
    }

    /// <summary>A block's activations for all tokens, and where what they come to is added. A token whose neurons are all zero adds zeros.</summary>
    /// <param name="quants">Each token's quants.</param>
    /// <param name="sums">
    /// Each token's sums of them: of 16 neurons, and of the others, 16 bits each. Where there is an <see cref="IDownTile.Excess"/>, what it asks for.
    /// </param>
    /// <param name="steps">Each token's step, with what folded scales lack.</param>
    /// <param name="tokens">Number of tokens, a multiple of <see cref="IntegerTile.TokenMultiple"/>.</param>
    /// <param name="results">16 sums of each token, for every 16 columns.</param>
    /// <param name="scratch">Room.</param>
    internal readonly ref struct Batch(byte* quants, int* sums, float* steps, int tokens, float* results, Scratch scratch)
    {
        public byte* Quants { get; } = quants;

        public int* Sums { get; } = sums;

        public float* Steps { get; } = steps;

        public int Tokens { get; } = tokens;

        public float* Results { get; } = results;

        public Scratch Scratch { get; } = scratch;

        /// <summary>Bytes that so many tokens' activations of a group take, in any type.</summary>
        public static int GroupBytes(int tokens) => GroupBlocks * tokens * (MostQuantBytes + sizeof(int) + sizeof(float));

        /// <summary>The same of another block of the group.</summary>
        /// <param name="block">Which one.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Batch Of<TTile>(int block)
            where TTile : struct, IDownTile =>
            new(Quants + (block * Tokens * TTile.QuantBytes), Sums + (block * Tokens), Steps + (block * Tokens), Tokens, Results, Scratch);
    }

    /// <summary>A thread's room for a strip.</summary>
    internal readonly ref struct Scratch(byte* memory)
    {
        private const int PanelsBytes = 2 * 2 * IntegerTile.ByteSteps * IntegerTile.StepBytes;

        private const int ScalesBytes = 2 * IntegerTile.StepBytes;

        public const int HeadBytes = PanelsBytes + (2 * ScalesBytes);

        /// <summary>Of 16 columns, then of the other 16.</summary>
        public byte* Panels { get; } = memory;

        /// <summary>Integer scales, twice side by side: of 16 neurons, then of the others.</summary>
        public byte* Scales { get; } = memory + PanelsBytes;

        /// <summary>Integers that meet sums of activations: of 16 neurons, and of the others, side by side; for what quants have too much, then minima.</summary>
        public byte* Pairs { get; } = memory + PanelsBytes + ScalesBytes;

        /// <summary>16 sums of each token.</summary>
        public int* Totals { get; } = (int*)(memory + HeadBytes);
    }

    /// <summary>32 neurons of a matrix.</summary>
    internal readonly ref struct Block
    {
        public Block(in DownMatrix down, int neuron)
        {
            Halves = down.ScalePointer(neuron);
            Columns = down.PaddedColumns;
            Eighth = down.InBlock(neuron) / BlockNeurons;
            Rows = down.Pointer(neuron);
            Stride = down.NeuronBytes;
            Last = Math.Min(BlockNeurons, down.Neurons - neuron) - 1;
        }

        /// <summary>Their scales.</summary>
        public byte* Halves { get; }

        public nint Columns { get; }

        /// <summary>Which 32 neurons of a block they are.</summary>
        public int Eighth { get; }

        private byte* Rows { get; }

        private nint Stride { get; }

        private int Last { get; }

        /// <summary>A neuron's row; of those that there are not, the last one's.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* Row(int i) => Rows + (Math.Min(i, Last) * Stride);

        /// <summary>Asks for a line of each row: too far apart for the processor's own prefetching.</summary>
        /// <param name="offset">Where in the rows.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fetch(nint offset)
        {
            byte* line = Rows + offset;
            for (int i = 0; i <= Last; i++, line += Stride)
            {
                Prefetch.Line(line);
            }
        }
    }
}

/// <summary>What a type brings to <see cref="IntegerDown"/>.</summary>
internal unsafe interface IDownTile
{
    /// <summary>The largest quant of an activation.</summary>
    static abstract float Range { get; }

    /// <summary>Bytes of 32 activations' quants.</summary>
    static abstract int QuantBytes { get; }

    /// <summary>What all quants of weights have too much: each token's sum, times minus this, is in its <see cref="IntegerDown.Batch.Sums"/>; 0: sums by halves are. Not beside a minimum, which needs those.</summary>
    static abstract int Excess { get; }

    /// <summary>Where a column is in a neuron's row.</summary>
    static abstract nint RowBytes(int column);

    /// <summary>Writes 32 quants.</summary>
    static abstract void Pack(Vector512<int> lower, Vector512<int> upper, byte* packed);

    /// <summary>Turns a strip's quants round, to two panels.</summary>
    static abstract void PackPanels(in IntegerDown.Block block, int column, in IntegerDown.Batch batch);

    /// <summary>Adds the neurons to 16 columns' sums of each token.</summary>
    /// <param name="block">The neurons.</param>
    /// <param name="column">The first column.</param>
    /// <param name="half">Which panel of the strip the columns are.</param>
    /// <param name="batch">The tokens.</param>
    /// <param name="sums">16 sums of each token.</param>
    static abstract void Add(in IntegerDown.Block block, int column, int half, in IntegerDown.Batch batch, float* sums);
}
