using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The down product in the block formats. 32 neurons share a row of scales, so their activations are quantized together, in steps of the block's
/// largest one's 32,767th (Q8_0) or 127th (Q4_0); what they add to a column is then an exact sum of integers, in any order, and enters the column's sum by one
/// fused multiply-add with scale times step. Neurons that are zero take no part in any of this.
/// </summary>
/// <remarks>
/// A cache line of each row is taken at a time, that is 64 columns of Q8_0 and 128 of Q4_0: sums stay in registers, and no line is left half used
/// while 31 rows whose addresses agree in their lower bits evict it. What is fetched ahead is the row that lies as many list entries on as this
/// block has: the next block's, or near enough.
/// </remarks>
internal static unsafe class BlockDown
{
    private const int BlockNeurons = DownMatrix.BlockNeurons;

    /// <summary>Neurons whose products of a nibble and 7 bits fit together in 16 bits.</summary>
    private const int HalfBlock = 16;

    /// <summary>A format's kernel for one block.</summary>
    internal interface IBlockKernel
    {
        /// <summary>The largest quant of an activation.</summary>
        static abstract float Range { get; }

        /// <summary>Columns in a cache line of a neuron's row.</summary>
        static abstract int LineColumns { get; }

        /// <summary>Bytes of 32 columns of a neuron's row.</summary>
        static abstract int Bytes32 { get; }

        /// <summary>Adds a block's neurons to <see cref="LineColumns"/> columns, with AVX2.</summary>
        static abstract void AddLine(in Part part, nint scales, nint offset, float* y);

        /// <summary>A quant.</summary>
        static abstract int Quant(byte* row, int column);
    }

    /// <summary>The active neurons of one block, with an even number of rows: a last one without partner is there twice, once times zero.</summary>
    internal readonly ref struct Part(
        byte* scales, byte* aheadScales, byte** rows, byte** ahead, short* quants, int count, int sum, float step)
    {
        public readonly byte* Scales = scales;
        public readonly byte* AheadScales = aheadScales;
        public readonly byte** Rows = rows;
        public readonly byte** Ahead = ahead;
        public readonly short* Quants = quants;
        public readonly int Count = count;
        public readonly int Sum = sum;
        public readonly float Step = step;
    }

    /// <summary>Adds a list of neurons.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add<TKernel>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where TKernel : struct, IBlockKernel
    {
        byte** rows = stackalloc byte*[BlockNeurons];
        byte** ahead = stackalloc byte*[BlockNeurons];
        short* quants = stackalloc short[BlockNeurons];
        fixed (float* sums = &y)
        {
            for (int n = 0; n < active.Length;)
            {
                int block = active[n] / BlockNeurons;
                int end = n + 1;
                while (end < active.Length && active[end] / BlockNeurons == block)
                    end++;
                int count = end - n;
                float step = Quantize<TKernel>(h.Slice(n, count), quants, out int sum);
                if (step == 0)
                {
                    n = end;
                    continue;
                }

                for (int i = 0; i < count; i++)
                {
                    rows[i] = (byte*)Unsafe.AsPointer(ref down.Neuron(active[n + i]));
                    ahead[i] = (byte*)Unsafe.AsPointer(ref down.Neuron(active[Math.Min(end + i, active.Length - 1)]));
                }
                if ((count & 1) != 0)
                {
                    rows[count] = rows[count - 1];
                    ahead[count] = ahead[count - 1];
                    quants[count++] = 0;
                }

                byte* aheadScales = down.Block(active[Math.Min(end, active.Length - 1)] / BlockNeurons);
                var part = new Part(down.Block(block), aheadScales, rows, ahead, quants, count, sum, step);
                int column = fromColumn;
                if (Avx2.IsSupported && Fma.IsSupported)
                {
                    for (; column <= toColumn - TKernel.LineColumns; column += TKernel.LineColumns)
                        TKernel.AddLine(in part, 2 * column, column / 32 * TKernel.Bytes32, sums + column);
                }
                for (; column < toColumn; column++)
                    AddColumn<TKernel>(in part, column, sums);
                n = end;
            }
        }
    }

    /// <summary>Rounds a block's activations to multiples of a step, to nearest, ties to even; returns the step, 0 where there is nothing to add.</summary>
    private static float Quantize<TKernel>(ReadOnlySpan<float> h, short* quants, out int sum)
        where TKernel : struct, IBlockKernel
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
    private static void AddColumn<TKernel>(in Part part, int column, float* y)
        where TKernel : struct, IBlockKernel
    {
        int sum = 0;
        for (int i = 0; i < part.Count; i++)
            sum += TKernel.Quant(part.Rows[i], column) * part.Quants[i];
        float scale = Widening.Half(((short*)part.Scales)[column]);
        y[column] = MathF.FusedMultiplyAdd(sum, scale * part.Step, y[column]);
    }

    /// <summary>The next block's scales of 64 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchScales(byte* scales)
    {
        Sse.Prefetch0(scales);
        Sse.Prefetch0(scales + 64);
    }

    /// <summary>Adds 16 columns' integer sums, given in two vectors, to y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSums(Vector256<int> first, Vector256<int> second, byte* scales, Vector256<float> step, float* y)
    {
        Vector256<int> mask = Vector256.Create(unchecked((int)0x8FFFFFFF));
        Vector256<float> unfold = Vector256.Create(Widening.HalfUnfold);
        Vector256<float> scale = (Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)scales), 13) & mask).AsSingle() * unfold;
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(first), scale * step, Vector256.Load(y)).Store(y);
        scale = (Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)scales + 8), 13) & mask).AsSingle() * unfold;
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(second), scale * step, Vector256.Load(y + 8)).Store(y + 8);
    }

    /// <summary>Q8_0: two neurons' bytes become 16-bit pairs, a column each, and are multiplied and added with the pair of activations.</summary>
    internal readonly struct Q8 : IBlockKernel
    {
        public static float Range => 32767;

        public static int LineColumns => 64;

        public static int Bytes32 => 32;

        public static int Quant(byte* row, int column) => (sbyte)row[column];

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void AddLine(in Part part, nint scales, nint offset, float* y)
        {
            Vector256<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
            byte** rows = part.Rows;
            byte** ahead = part.Ahead;
            short* quants = part.Quants;
            for (int i = 0; i < part.Count; i += 2)
            {
                byte* first = rows[i] + offset;
                byte* second = rows[i + 1] + offset;
                Sse.Prefetch0(ahead[i] + offset);
                Sse.Prefetch0(ahead[i + 1] + offset);
                Vector256<short> h = Vector256.Create(*(int*)(quants + i)).AsInt16();
                AddPair(first, second, h, ref a0, ref b0);
                AddPair(first + 16, second + 16, h, ref a1, ref b1);
                AddPair(first + 32, second + 32, h, ref a2, ref b2);
                AddPair(first + 48, second + 48, h, ref a3, ref b3);
            }
            FetchScales(part.AheadScales + scales);
            Vector256<float> step = Vector256.Create(part.Step);
            byte* scale = part.Scales + scales;
            AddInterleaved(a0, b0, scale, step, y);
            AddInterleaved(a1, b1, scale + 32, step, y + 16);
            AddInterleaved(a2, b2, scale + 64, step, y + 32);
            AddInterleaved(a3, b3, scale + 96, step, y + 48);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddPair(byte* first, byte* second, Vector256<short> h, ref Vector256<int> a, ref Vector256<int> b)
        {
            Vector256<short> w = Avx2.ConvertToVector256Int16((sbyte*)first);
            Vector256<short> v = Avx2.ConvertToVector256Int16((sbyte*)second);
            a += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(w, v), h);
            b += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(w, v), h);
        }

        /// <summary>Sums of columns 0-3 and 8-11, and of 4-7 and 12-15.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddInterleaved(Vector256<int> a, Vector256<int> b, byte* scales, Vector256<float> step, float* y) =>
            AddSums(Avx2.Permute2x128(a, b, 0x20), Avx2.Permute2x128(a, b, 0x31), scales, step, y);
    }

    /// <summary>
    /// Q4_0: two neurons' bytes side by side hold, in their lower and upper halves, pairs of quants of 0 to 15, which are multiplied with
    /// the pair of activations' bytes and added in 16 bits, 16 neurons at most; 8 times the activations' sum comes off in the end.
    /// </summary>
    internal readonly struct Q4 : IBlockKernel
    {
        public static float Range => 127;

        public static int LineColumns => 128;

        public static int Bytes32 => 16;

        public static int Quant(byte* row, int column) =>
            ((row[(column / 32 * 16) + (column % 16)] >> (column % 32 / 16 * 4)) & 15) - 8;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void AddLine(in Part part, nint scales, nint offset, float* y)
        {
            short* first = stackalloc short[128];
            short* second = stackalloc short[128];
            SumHalf(in part, 0, Math.Min(part.Count, HalfBlock), offset, first);
            bool both = part.Count > HalfBlock;
            if (both)
                SumHalf(in part, HalfBlock, part.Count, offset, second);
            FetchScales(part.AheadScales + scales);
            FetchScales(part.AheadScales + scales + 128);

            Vector256<float> step = Vector256.Create(part.Step);
            Vector256<int> excess = Vector256.Create(8 * part.Sum);
            byte* scale = part.Scales + scales;
            for (int i = 0; i < 8; i++, scale += 32, y += 16)
            {
                // Where 16 consecutive columns' sums lie, as UnpackLow and UnpackHigh left them: 8, and 8 more two vectors on.
                int at = ((i & 1) * 16) + ((i & 2) * 4) + ((i & 4) * 16);
                Vector256<int> sums0 = Avx2.ConvertToVector256Int32(first + at) - excess;
                Vector256<int> sums1 = Avx2.ConvertToVector256Int32(first + at + 32) - excess;
                if (both)
                {
                    sums0 += Avx2.ConvertToVector256Int32(second + at);
                    sums1 += Avx2.ConvertToVector256Int32(second + at + 32);
                }
                AddSums(sums0, sums1, scale, step, y);
            }
        }

        /// <summary>Up to 16 neurons' sums of 128 columns, unscaled.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void SumHalf(in Part part, int from, int to, nint offset, short* sums)
        {
            Vector256<byte> nibble = Vector256.Create((byte)15);
            Vector256<short> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            byte** rows = part.Rows;
            byte** ahead = part.Ahead;
            short* quants = part.Quants;
            for (int i = from; i < to; i += 2)
            {
                byte* first = rows[i] + offset;
                byte* second = rows[i + 1] + offset;
                Sse.Prefetch0(ahead[i] + offset);
                Sse.Prefetch0(ahead[i + 1] + offset);
                Vector256<sbyte> h = Vector256.Create((short)((byte)quants[i] | (quants[i + 1] << 8))).AsSByte();
                Vector256<byte> w = Vector256.Load(first);
                Vector256<byte> v = Vector256.Load(second);
                Vector256<byte> pairs = Avx2.UnpackLow(w, v);
                a0 += Avx2.MultiplyAddAdjacent(pairs & nibble, h);
                a1 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & nibble, h);
                pairs = Avx2.UnpackHigh(w, v);
                a2 += Avx2.MultiplyAddAdjacent(pairs & nibble, h);
                a3 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & nibble, h);

                w = Vector256.Load(first + 32);
                v = Vector256.Load(second + 32);
                pairs = Avx2.UnpackLow(w, v);
                b0 += Avx2.MultiplyAddAdjacent(pairs & nibble, h);
                b1 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & nibble, h);
                pairs = Avx2.UnpackHigh(w, v);
                b2 += Avx2.MultiplyAddAdjacent(pairs & nibble, h);
                b3 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & nibble, h);
            }
            a0.Store(sums);
            a1.Store(sums + 16);
            a2.Store(sums + 32);
            a3.Store(sums + 48);
            b0.Store(sums + 64);
            b1.Store(sums + 80);
            b2.Store(sums + 96);
            b3.Store(sums + 112);
        }
    }
}
