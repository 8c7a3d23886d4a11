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
}
