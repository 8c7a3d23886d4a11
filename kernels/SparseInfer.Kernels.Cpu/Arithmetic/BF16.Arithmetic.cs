using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <content>What is computed with it.</content>
public readonly unsafe partial struct BF16 : IWeightArithmetic
{
    /// <inheritdoc/>
    public static bool QuantizesInput => false;

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        InputPreparation.CopyInterleaved(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        PlainDot.Interleaved
            ? PlainDot.Sixteen<Interleave>(ref x, in rows, in next, paddedColumns)
            : PlainDot.Widened<BF16>(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        PlainDown.Add<BF16, Interleave>(in down, active, h, ref y, fromColumn, toColumn);

    static bool IWeightArithmetic.HasTokens => PlainDot.Interleaved;

    static void IWeightArithmetic.DotFourTokens(
        float* inputs, int tokens, in FourRows rows, in FourRows next, int paddedColumns, float* totals) =>
        PlainTokens.DotFour<Interleave>(inputs, tokens, in rows, in next, paddedColumns, totals);

    /// <summary>bfloat16: a float's upper half as it is.</summary>
    private readonly struct Interleave : PlainDot.IInterleave
    {
        public static int Bytes => sizeof(ushort);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b)
        {
            Vector256<short> upper = Vector256.Load((short*)weights);
            a = Avx2.UnpackLow(Vector256<short>.Zero, upper).AsSingle();
            b = Avx2.UnpackHigh(Vector256<short>.Zero, upper).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Quarter(Vector256<float> a, Vector256<float> b) => PlainDot.InterleavedQuarter(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b) => PlainDot.LoadInterleaved(sums, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b) => PlainDot.StoreInterleaved(sums, a, b);
    }
}
