using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Q8_0's part of <see cref="IntegerDown"/>: pairs of neurons, as integers of 16 bits.</summary>
internal readonly unsafe struct Q8DownTile : IDownTile
{
    private const int Steps = 2 * IntegerTile.ByteSteps;

    public static float Range => Q8Down.Range;

    public static int QuantBytes => 64;

    public static int Excess => 0;

    public static nint RowBytes(int column) => column;

    public static void Pack(Vector512<int> lower, Vector512<int> upper, byte* packed) => Vector512.Narrow(lower, upper).Store((short*)packed);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackPanels(in IntegerDown.Block block, int column, in IntegerDown.Batch batch)
    {
        byte* panel = batch.Scratch.Panels;
        for (int i = 0; i < DownMatrix.BlockNeurons; i += 2, panel += IntegerTile.StepBytes)
        {
            sbyte* first = (sbyte*)block.Row(i) + column;
            sbyte* second = (sbyte*)block.Row(i + 1) + column;
            Store(first, second, panel);
            Store(first + IntegerTile.Outputs, second + IntegerTile.Outputs, panel + (Steps * IntegerTile.StepBytes));
        }
    }

    public static void Add(in IntegerDown.Block block, int column, int half, in IntegerDown.Batch batch, float* sums)
    {
        byte* panel = batch.Scratch.Panels + (half * Steps * IntegerTile.StepBytes);
        Vector512<float> scales = Widening.FoldedHalf(ref *(short*)block.Halves, (nuint)column);
        if (IntegerTile.IsWide)
        {
            Q8Tile.Add512(panel, scales, batch.Quants, batch.Steps, batch.Tokens, sums);
            return;
        }

        IntegerTile.Words(panel, Steps, batch.Quants, QuantBytes, batch.Tokens, 1, batch.Scratch.Totals);
        IntegerDown.AddTotals(in batch, scales, sums);
    }

    /// <summary>Two neurons' 16 columns side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(sbyte* first, sbyte* second, byte* step)
    {
        Vector256<short> a = Avx2.ConvertToVector256Int16(first);
        Vector256<short> b = Avx2.ConvertToVector256Int16(second);
        Vector256<short> low = Avx2.UnpackLow(a, b);
        Vector256<short> high = Avx2.UnpackHigh(a, b);
        TilePanel.StoreStep(Avx2.Permute2x128(low, high, 0x20).AsByte(), Avx2.Permute2x128(low, high, 0x31).AsByte(), step);
    }
}
