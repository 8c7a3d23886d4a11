using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <content>What is computed with it.</content>
public readonly unsafe partial struct F16 : IWeightArithmetic
{
    /// <inheritdoc/>
    public static bool QuantizesInput => false;

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        InputPreparation.Fold(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        PlainDot.Interleaved
            ? PlainDot.Sixteen<Interleave>(ref x, in rows, in next, paddedColumns)
            : PlainDot.Widened<F16>(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        PlainDown.Add<F16, Interleave>(in down, active, h, ref y, fromColumn, toColumn);

    static bool IWeightArithmetic.HasTokens => PlainDot.Interleaved;

    static void IWeightArithmetic.DotFourTokens(
        float* inputs, int tokens, in FourRows rows, in FourRows next, int paddedColumns, float* totals) =>
        PlainTokens.DotFour<Interleave>(inputs, tokens, in rows, in next, paddedColumns, totals);

    /// <summary>
    /// Halves in folded scale: sign, exponent and the upper 7 bits of the fraction are the float's upper half, shifted by 3; the lower 3 bits its
    /// lower half.
    /// </summary>
    private readonly struct Interleave : PlainDot.IInterleave
    {
        public static int Bytes => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b)
        {
            Vector256<short> halves = Vector256.Load((short*)weights);
            Vector256<short> upper = Avx2.ShiftRightArithmetic(halves, 3) & Vector256.Create(unchecked((short)0x8FFF));
            Vector256<short> lower = Avx2.ShiftLeftLogical(halves, 13);
            a = Avx2.UnpackLow(lower, upper).AsSingle();
            b = Avx2.UnpackHigh(lower, upper).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Quarter(Vector256<float> a, Vector256<float> b) => PlainDot.InterleavedQuarter(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b) => PlainDot.LoadInterleaved(sums, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b) => PlainDot.StoreInterleaved(sums, a, b);
    }
}
