using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <content>What is computed with it.</content>
public readonly unsafe partial struct Q6_K : IWeightArithmetic, ISuperBlockFormat
{
    /// <inheritdoc/>
    public static bool QuantizesInput => true;

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        QuantizedInput.ToSuperBlocks(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        SuperBlockDot.Four<Q6_K>(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        BlockDown.Add<QuantDown<Q6_K>>(in down, active, h, ref y, fromColumn, toColumn);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<short> ISuperBlockFormat.Scales(byte* block) => Avx2.ConvertToVector256Int16(Ssse3.Shuffle(
        Vector128.Load((sbyte*)block + 192), Vector128.Create((sbyte)0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)));

    static Vector256<short> ISuperBlockFormat.Minima(byte* block) => default;

    static bool IWeightArithmetic.HasTiles => true;

    static unsafe void IWeightArithmetic.PackTiles(
        int paddedColumns, ref float x, int xStride, int tokens, float* undo, float* inputs, float* row) =>
        IntegerProduct.Pack<Q6_K, SuperBlockTile<Q6_K>>(paddedColumns, ref x, xStride, tokens, undo, inputs, row);

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
        IntegerProduct.Multiply<SuperBlockTile<Q6_K>>(in w, fromRow, toRow, paddedColumns, tokens, ref y, yStride, undo, inputs, scratch);

    static bool IWeightArithmetic.TryAddDownTiles(
        in DownMatrix down, ref float h, int hStride, int tokens, in IntegerDown.Batch batch, int neuron, int end, int fromColumn, int toColumn) =>
        IntegerDown.TryAdd<QuantDownTile<Q6_K>>(in down, ref h, hStride, tokens, in batch, neuron, end, fromColumn, toColumn);
}
