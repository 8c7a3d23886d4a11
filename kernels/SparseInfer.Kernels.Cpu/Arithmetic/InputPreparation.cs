using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How plain formats prepare an input vector: as it is, or multiplied by what folded halves leave out; for sixteen-bit formats in the order
/// that <see cref="PlainDot"/> asks for.
/// </summary>
internal static class InputPreparation
{
    /// <summary>Exponent from which a number times 2^112 would overflow: the largest product allowed is just below 2^127.</summary>
    public const int MaxExponent = 14;

    /// <summary>Copies, unless both are the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Copy(ref readonly float x, ref float prepared, int paddedColumns)
    {
        ref float source = ref Unsafe.AsRef(in x);
        if (Unsafe.AreSame(ref source, ref prepared))
        {
            return 1;
        }

        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
        {
            Vector512.LoadUnsafe(ref source, i).StoreUnsafe(ref prepared, i);
        }

        return 1;
    }

    /// <summary>Multiplies by 2^112, or by 2^(112 - e) with the least e that keeps every product below 2^127; returns 2^e.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Fold(ref readonly float x, ref float prepared, int paddedColumns)
    {
        float undo = Excess(in x, paddedColumns, out float factor);
        ref float source = ref Unsafe.AsRef(in x);
        Vector512<float> fold = Vector512.Create(factor);
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
        {
            Store(Vector512.LoadUnsafe(ref source, i) * fold, ref prepared, i);
        }

        return undo;
    }

    /// <summary>Copies, in the order that sixteen-bit formats want; returns 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float CopyInterleaved(ref readonly float x, ref float prepared, int paddedColumns)
    {
        if (!PlainDot.Interleaved)
        {
            return Copy(in x, ref prepared, paddedColumns);
        }

        ref float source = ref Unsafe.AsRef(in x);
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
        {
            Store(Vector512.LoadUnsafe(ref source, i), ref prepared, i);
        }

        return 1;
    }

    /// <summary>What an input can be multiplied by: 2^112, or 2^(112 - e) with the least e that keeps every product below 2^127.</summary>
    /// <returns>2^e.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Excess(ref readonly float x, int paddedColumns, out float fold)
    {
        ref float source = ref Unsafe.AsRef(in x);
        // Magnitudes of floats order as their bits do, NaN above infinity: no comparison goes astray.
        Vector512<int> largest = Vector512<int>.Zero;
        Vector512<int> magnitude = Vector512.Create(0x7FFFFFFF);
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
        {
            largest = Vector512.Max(largest, Vector512.LoadUnsafe(ref source, i).AsInt32() & magnitude);
        }

        int bits = 0;
        for (int lane = 0; lane < 16; lane++)
        {
            bits = Math.Max(bits, largest.GetElement(lane));
        }

        int excess = Math.Max(0, (bits >> 23) - 127 - MaxExponent);
        fold = PowerOfTwo(112 - excess);
        return PowerOfTwo(excess);
    }

    /// <summary>Whether a factor times 2^112 is finite, and a normal number's product with a folded half as exact as without.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CanFold(float factor) => MathF.Abs(factor) < (1 << (MaxExponent + 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> values, ref float prepared, nuint index)
    {
        if (PlainDot.Interleaved)
        {
            Vector256<float> lower = values.GetLower();
            Vector256<float> upper = values.GetUpper();
            values = Vector512.Create(
                Vector256.Create(lower.GetLower(), upper.GetLower()), Vector256.Create(lower.GetUpper(), upper.GetUpper()));
        }

        values.StoreUnsafe(ref prepared, index);
    }

    private static float PowerOfTwo(int exponent) => BitConverter.Int32BitsToSingle((exponent + 127) << 23);
}
