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

    public static bool HasMinimum => T.BlockHalves > 1;

    public static int StepsInWord => 8 >> T.HighBits;

    public static bool HasScales => T.ScaleBytes > 0;

    public static bool Accumulates
    {
        // Asked for in loops, where a call would cost more than what it decides.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HasScales && T.Excess > 0;
    }

    public static int Excess => HasScales ? 0 : T.Excess;

    /// <summary>Parts of 32 neurons with an integer scale each.</summary>
    private static int Parts => DownMatrix.BlockNeurons / T.PartColumns;

    public static void Pack(Vector512<int> lower, Vector512<int> upper, byte* packed) => QuantizedInput.Bytes(lower, upper).Store((sbyte*)packed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackPanels(in IntegerDown.Block block, int column, in IntegerDown.Batch batch)
    {
        byte* panel = batch.Scratch.Panels;
        nint at = QuantBlocks.DownNeuronBytes<T>(column);
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

    public static void Multiply(in IntegerDown.Block block, int column, int half, in IntegerDown.Batch batch)
    {
        byte* scales = batch.Scratch.Scales;
        if (HasScales)
        {
            int part = block.Eighth * Parts;
            Vector128<sbyte> lower = Load(T.LoadScales(Integers(in block) + StripOf(column), block.Columns, part), half);
            Vector128<sbyte> upper = Parts == 1 ? lower : Load(T.LoadScales(Integers(in block) + StripOf(column), block.Columns, part + 1), half);
            StorePairs(lower, lower, scales);
            StorePairs(upper, upper, scales + IntegerTile.StepBytes);
            if (Accumulates)
            {
                StorePairs(lower, upper, batch.Scratch.Pairs);
                IntegerTile.Words(batch.Scratch.Pairs, 1, (byte*)batch.Sums, sizeof(int), batch.Tokens, -T.Excess, batch.Scratch.Totals);
            }
        }

        IntegerTile.Bytes<QuantDownTile<T>>(
            batch.Scratch.Panels + (half * PanelBytes),
            (short*)scales,
            (short*)(scales + IntegerTile.StepBytes),
            batch.Quants,
            batch.Tokens,
            batch.Scratch.Totals);
    }

    public static void MultiplyMinima(in IntegerDown.Block block, int column, in IntegerDown.Batch batch)
    {
        Vector128<sbyte> minima = HasScales
            ? Load(T.LoadMinima(Integers(in block) + StripOf(column), block.Columns, block.Eighth * Parts), column % IntegerDown.StripColumns / IntegerTile.Outputs)
            : Vector128.Create((sbyte)T.Minimum(null, 0, 0));
        StorePairs(minima, minima, batch.Scratch.Pairs);
        IntegerTile.Words(batch.Scratch.Pairs, 1, (byte*)batch.Sums, sizeof(int), batch.Tokens, -1, batch.Scratch.Totals);
    }

    private static int StripOf(int column) => column & ~(IntegerDown.StripColumns - 1);

    private static byte* Integers(in IntegerDown.Block block) => block.Halves + (sizeof(ushort) * T.BlockHalves * block.Columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Load(Vector256<sbyte> strip, int half) => half == 0 ? strip.GetLower() : strip.GetUpper();

    /// <summary>16 columns' integers as pairs of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector128<sbyte> first, Vector128<sbyte> second, byte* pairs)
    {
        Vector256<short> a = Avx2.ConvertToVector256Int16(first);
        Vector256<short> b = Avx2.ConvertToVector256Int16(second);
        Vector256<short> low = Avx2.UnpackLow(a, b);
        Vector256<short> high = Avx2.UnpackHigh(a, b);
        TilePanel.StoreStep(Avx2.Permute2x128(low, high, 0x20).AsByte(), Avx2.Permute2x128(low, high, 0x31).AsByte(), pairs);
    }
}
