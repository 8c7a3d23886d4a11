using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <content>What is computed with it.</content>
public readonly unsafe partial struct F32 : IWeightArithmetic
{
    /// <inheritdoc/>
    public static bool QuantizesInput => false;

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        InputPreparation.Copy(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        PlainDot.Interleaved
            ? FromMemory(ref x, in rows, paddedColumns)
            : PlainDot.Widened<F32>(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        PlainDown.Add<F32, Interleave>(in down, active, h, ref y, fromColumn, toColumn);

    static bool IWeightArithmetic.HasTokens => PlainDot.Interleaved;

    static void IWeightArithmetic.DotFourTokens(
        float* inputs, int tokens, in FourRows rows, in FourRows next, int paddedColumns, float* totals) =>
        PlainTokens.DotFour<Interleave>(inputs, tokens, in rows, in next, paddedColumns, totals);

    /// <summary>
    /// With vectors of 8 lanes: multiply-adds straight from memory. Nothing is fetched ahead: these loops never keep memory waiting, and
    /// fetching takes a tenth of the speed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FromMemory(ref float x, in FourRows rows, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector128<float> total = Vector128<float>.Zero;
        nint bytes = (nint)paddedColumns * sizeof(float);
        nint i = 0;
        fixed (float* input = &x)
        {
            while (i < bytes)
            {
                nint end = Math.Min(i + (PlainDot.Segment * sizeof(float)), bytes);
                Vector256<float> lower0 = default, upper0 = default, lower1 = default, upper1 = default;
                Vector256<float> lower2 = default, upper2 = default, lower3 = default, upper3 = default;
                for (; i < end; i += 64)
                {
                    Vector256<float> xLo = Vector256.Load((float*)((byte*)input + i));
                    Vector256<float> xHi = Vector256.Load((float*)((byte*)input + i + 32));
                    lower0 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r0 + i)), lower0);
                    upper0 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r0 + i + 32)), upper0);
                    lower1 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r1 + i)), lower1);
                    upper1 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r1 + i + 32)), upper1);
                    lower2 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r2 + i)), lower2);
                    upper2 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r2 + i + 32)), upper2);
                    lower3 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r3 + i)), lower3);
                    upper3 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r3 + i + 32)), upper3);
                }

                total += Reduction.Sum4(
                    Vector512.Create(lower0, upper0), Vector512.Create(lower1, upper1),
                    Vector512.Create(lower2, upper2), Vector512.Create(lower3, upper3));
            }
        }

        return total;
    }

    /// <summary>As they are.</summary>
    private readonly struct Interleave : PlainDot.IInterleave
    {
        public static int Bytes => sizeof(float);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b) => LoadSums((float*)weights, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> Quarter(Vector256<float> a, Vector256<float> b) => (a.GetLower() + b.GetLower()) + (a.GetUpper() + b.GetUpper());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b)
        {
            a = Vector256.Load(sums);
            b = Vector256.Load(sums + 8);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b)
        {
            a.Store(sums);
            b.Store(sums + 8);
        }
    }
}
