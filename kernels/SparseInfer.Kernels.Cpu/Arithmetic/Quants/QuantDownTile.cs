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

    public static bool Accumulates => T.Excess > 0;

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
            Vector256<ushort> ab = Avx2.UnpackLow(a, b).AsUInt16();
            Vector256<ushort> cd = Avx2.UnpackLow(c, d).AsUInt16();
            Store(Avx2.UnpackLow(ab, cd), panel);
            Store(Avx2.UnpackHigh(ab, cd), panel + 16);
            ab = Avx2.UnpackHigh(a, b).AsUInt16();
            cd = Avx2.UnpackHigh(c, d).AsUInt16();
            Store(Avx2.UnpackLow(ab, cd), panel + 32);
            Store(Avx2.UnpackHigh(ab, cd), panel + 48);
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
            }
        }
        else if (Accumulates)
        {
            Vector512.Create((short)1).Store((short*)batch.Scratch.Pairs);
        }

        if (Accumulates)
        {
            IntegerTile.Words(batch.Scratch.Pairs, 1, (byte*)batch.Sums, sizeof(int), batch.Tokens, -T.Excess, batch.Scratch.Totals);
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

    /// <summary>The first 16 columns' lanes to one panel, the others' to the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ushort> columns, byte* panel)
    {
        columns.GetLower().Store((ushort*)panel);
        columns.GetUpper().Store((ushort*)(panel + PanelBytes));
    }

    /// <summary>16 columns' integers as pairs of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector128<sbyte> first, Vector128<sbyte> second, byte* pairs)
    {
        Vector256<short> a = Avx2.ConvertToVector256Int16(first);
        Vector256<short> b = Avx2.ConvertToVector256Int16(second);
        Vector256<short> low = Avx2.UnpackLow(a, b);
        Vector256<short> high = Avx2.UnpackHigh(a, b);
        Avx2.Permute2x128(low, high, 0x20).Store((short*)pairs);
        Avx2.Permute2x128(low, high, 0x31).Store((short*)pairs + 16);
    }
}
