using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>The part of <see cref="IntegerDown"/> of types whose quants have four to six bits: four neurons' bytes.</summary>
internal readonly unsafe struct QuantDownTile<T> : IDownTile, ITileQuants
    where T : struct, IQuantFormat
{
    private const int PanelBytes = IntegerTile.ByteSteps * IntegerTile.StepBytes;

    public static float Range => 127;

    public static int QuantBytes => 32;

    public static int StepsInWord => 8 >> T.HighBits;

    public static bool HasScales => T.ScaleBytes > 0;

    public static bool Accumulates
    {
        // Asked for in loops, where a call would cost more than what it decides.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HasScales && T.Excess > 0;
    }

    public static int Excess => HasScales ? 0 : T.Excess;

    private static bool HasMinimum => T.BlockHalves > 1;

    /// <summary>Parts of 32 neurons with an integer scale each.</summary>
    private static int Parts => DownMatrix.BlockNeurons / T.PartColumns;

    public static nint RowBytes(int column) => QuantBlocks.DownNeuronBytes<T>(column);

    public static void Pack(Vector512<int> lower, Vector512<int> upper, byte* packed) => QuantizedInput.Bytes(lower, upper).Store((sbyte*)packed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackPanels(in IntegerDown.Block block, int column, in IntegerDown.Batch batch)
    {
        byte* panel = batch.Scratch.Panels;
        nint at = RowBytes(column);
        for (int i = 0; i < DownMatrix.BlockNeurons; i += 4, panel += IntegerTile.StepBytes)
        {
            Vector256<byte> a = Quants.Load(block.Row(i) + at, T.HighBits);
            Vector256<byte> b = Quants.Load(block.Row(i + 1) + at, T.HighBits);
            Vector256<byte> c = Quants.Load(block.Row(i + 2) + at, T.HighBits);
            Vector256<byte> d = Quants.Load(block.Row(i + 3) + at, T.HighBits);

            // Each has four columns of the first 16, then four of the others.
            Vector256<ushort> ab = Avx2.UnpackLow(a, b).AsUInt16();
            Vector256<ushort> cd = Avx2.UnpackLow(c, d).AsUInt16();
            Vector256<byte> first = Avx2.UnpackLow(ab, cd).AsByte();
            Vector256<byte> second = Avx2.UnpackHigh(ab, cd).AsByte();
            ab = Avx2.UnpackHigh(a, b).AsUInt16();
            cd = Avx2.UnpackHigh(c, d).AsUInt16();
            Vector256<byte> third = Avx2.UnpackLow(ab, cd).AsByte();
            Vector256<byte> fourth = Avx2.UnpackHigh(ab, cd).AsByte();
            TilePanel.StoreStep(Avx2.Permute2x128(first, second, 0x20), Avx2.Permute2x128(third, fourth, 0x20), panel);
            TilePanel.StoreStep(Avx2.Permute2x128(first, second, 0x31), Avx2.Permute2x128(third, fourth, 0x31), panel + PanelBytes);
        }
    }

    public static void Add(in IntegerDown.Block block, int column, int half, in IntegerDown.Batch batch, float* sums)
    {
        byte* panel = batch.Scratch.Panels + (half * PanelBytes);
        short* lower = (short*)batch.Scratch.Scales;
        short* upper = lower + (2 * IntegerTile.Outputs);
        byte* excess = batch.Scratch.Pairs;
        byte* minima = excess + IntegerTile.StepBytes;
        if (HasScales)
        {
            int part = block.Eighth * Parts;
            Vector128<sbyte> first = Load(T.LoadScales(Integers(in block) + StripOf(column), block.Columns, part), half);
            Vector128<sbyte> second = Parts == 1 ? first : Load(T.LoadScales(Integers(in block) + StripOf(column), block.Columns, part + 1), half);
            StorePairs(first, first, 1, (byte*)lower);
            StorePairs(second, second, 1, (byte*)upper);
            if (Accumulates)
            {
                StorePairs(first, second, -T.Excess, excess);
            }
        }

        Vector512<float> scales = Widening.FoldedHalf(ref *(short*)block.Halves, (nuint)column);
        Vector512<float> minimumScales = default;
        if (HasMinimum)
        {
            Vector128<sbyte> integers = HasScales
                ? Load(T.LoadMinima(Integers(in block) + StripOf(column), block.Columns, block.Eighth * Parts), half)
                : Vector128.Create((sbyte)T.Minimum(null, 0, 0));
            StorePairs(integers, integers, -1, minima);
            minimumScales = Widening.FoldedHalf(ref *(short*)block.Halves, (nuint)(block.Columns + column));
        }

        if (IntegerTile.IsWide)
        {
            Add512(panel, lower, upper, (short*)excess, scales, (short*)minima, minimumScales, in batch, sums);
            return;
        }

        int* totals = batch.Scratch.Totals;
        if (Accumulates)
        {
            IntegerTile.Words(excess, 1, (byte*)batch.Sums, sizeof(int), batch.Tokens, 1, totals);
        }

        IntegerTile.Bytes<QuantDownTile<T>>(panel, lower, upper, batch.Quants, batch.Tokens, totals);
        IntegerDown.AddTotals(in batch, scales, Excess == 0 ? null : batch.Sums, sums);
        if (HasMinimum)
        {
            IntegerTile.Words(minima, 1, (byte*)batch.Sums, sizeof(int), batch.Tokens, 1, totals);
            IntegerDown.AddTotals(in batch, minimumScales, sums);
        }
    }

    /// <summary>All at once: sums of integers stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add512(
        byte* panel,
        short* lower,
        short* upper,
        short* excess,
        Vector512<float> scales,
        short* minima,
        Vector512<float> minimumScales,
        in IntegerDown.Batch batch,
        float* sums)
    {
        Vector512<byte> w0 = Vector512.Load(panel);
        Vector512<byte> w1 = Vector512.Load(panel + 64);
        Vector512<byte> w2 = Vector512.Load(panel + 128);
        Vector512<byte> w3 = Vector512.Load(panel + 192);
        Vector512<byte> w4 = Vector512.Load(panel + 256);
        Vector512<byte> w5 = Vector512.Load(panel + 320);
        Vector512<byte> w6 = Vector512.Load(panel + 384);
        Vector512<byte> w7 = Vector512.Load(panel + 448);
        Vector512<short> first16 = HasScales ? Vector512.Load(lower) : Vector512<short>.One;
        Vector512<short> last16 = HasScales ? Vector512.Load(upper) : first16;
        Vector512<short> excessPairs = Accumulates ? Vector512.Load(excess) : default;
        Vector512<short> minimumPairs = HasMinimum ? Vector512.Load(minima) : default;
        byte* x = batch.Quants;
        int* inputSums = batch.Sums;
        float* steps = batch.Steps;
        for (float* end = sums + (batch.Tokens * IntegerTile.Outputs); sums < end; sums += IntegerTile.Outputs, x += 32, inputSums++, steps++)
        {
            Vector512<int> total = IntegerTile.Sum512<QuantDownTile<T>>(w0, w1, w2, w3, w4, w5, w6, w7, first16, last16, x);
            if (Accumulates)
            {
                total += Avx512BW.MultiplyAddAdjacent(excessPairs, Vector512.Create(*inputSums).AsInt16());
            }
            else if (Excess > 0)
            {
                total += Vector512.Create(*inputSums);
            }

            Vector512<float> sum = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(total), scales * *steps, Vector512.Load(sums));
            if (HasMinimum)
            {
                Vector512<int> minimum = Avx512BW.MultiplyAddAdjacent(minimumPairs, Vector512.Create(*inputSums).AsInt16());
                sum = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(minimum), minimumScales * *steps, sum);
            }

            sum.Store(sums);
        }
    }

    private static int StripOf(int column) => column & ~(IntegerDown.StripColumns - 1);

    private static byte* Integers(in IntegerDown.Block block) => block.Halves + (sizeof(ushort) * T.BlockHalves * block.Columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Load(Vector256<sbyte> strip, int half) => half == 0 ? strip.GetLower() : strip.GetUpper();

    /// <summary>16 columns' integers, times a factor, as pairs of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector128<sbyte> first, Vector128<sbyte> second, int factor, byte* pairs)
    {
        Vector256<short> a = Avx2.ConvertToVector256Int16(first) * (short)factor;
        Vector256<short> b = Avx2.ConvertToVector256Int16(second) * (short)factor;
        Vector256<short> low = Avx2.UnpackLow(a, b);
        Vector256<short> high = Avx2.UnpackHigh(a, b);
        TilePanel.StoreStep(Avx2.Permute2x128(low, high, 0x20).AsByte(), Avx2.Permute2x128(low, high, 0x31).AsByte(), pairs);
    }
}
