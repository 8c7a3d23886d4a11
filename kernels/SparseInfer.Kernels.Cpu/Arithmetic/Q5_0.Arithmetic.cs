using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>What is computed with it.</content>
public readonly partial struct Q5_0 : IWeightArithmetic
{
    /// <inheritdoc/>
    public static bool QuantizesInput => true;

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        QuantizedInput.ToEightBits(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        FiveBitDot.Four<Q5_0>(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        BlockDown.Add<QuantDown<Q5_0>>(in down, active, h, ref y, fromColumn, toColumn);

    static bool IWeightArithmetic.HasTiles => true;

    static int IWeightArithmetic.LeastTokens => 2;

    static unsafe void IWeightArithmetic.PackTiles(
        int paddedColumns, ref float x, int xStride, int tokens, float* undo, float* inputs, float* row) =>
        IntegerProduct.Pack<Q5_0, BlockTile<Q5_0>>(paddedColumns, ref x, xStride, tokens, undo, inputs, row);

    static unsafe void IWeightArithmetic.MultiplyTiles(
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        float* undo,
        float* inputs,
        float* scratch) =>
        IntegerProduct.Multiply<BlockTile<Q5_0>>(in w, fromRow, toRow, paddedColumns, tokens, ref y, yStride, undo, inputs, scratch);

    static bool IWeightArithmetic.TryAddDownTiles(
        in DownMatrix down, ref float h, int hStride, int tokens, in IntegerDown.Batch batch, int neuron, int end, int fromColumn, int toColumn) =>
        IntegerDown.TryAdd<QuantDownTile<Q5_0>>(in down, ref h, hStride, tokens, in batch, neuron, end, fromColumn, toColumn);
}
