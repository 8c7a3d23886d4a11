using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>The two ways in which formats prepare an input vector: as it is, or multiplied by what folded halves leave out.</summary>
internal static class InputPreparation
{
    /// <summary>Exponent from which a number times 2^112 would overflow: the largest product allowed is just below 2^127.</summary>
    public const int LargestExponent = 14;

    /// <summary>Copies, unless both are the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Copy(ref readonly float x, ref float prepared, int paddedColumns)
    {
        ref float source = ref Unsafe.AsRef(in x);
        if (Unsafe.AreSame(ref source, ref prepared))
            return 1;
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
            Vector512.LoadUnsafe(ref source, i).StoreUnsafe(ref prepared, i);
        return 1;
    }

    /// <summary>Multiplies by 2^112, or by 2^(112 - e) with the least e that keeps every product below 2^127; returns 2^e.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Fold(ref readonly float x, ref float prepared, int paddedColumns)
    {
        ref float source = ref Unsafe.AsRef(in x);
        // Magnitudes of floats order as their bits do, NaN above infinity: no comparison goes astray.
        Vector512<int> largest = Vector512<int>.Zero;
        Vector512<int> magnitude = Vector512.Create(0x7FFFFFFF);
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
            largest = Vector512.Max(largest, Vector512.LoadUnsafe(ref source, i).AsInt32() & magnitude);
        int bits = 0;
        for (int lane = 0; lane < 16; lane++)
            bits = Math.Max(bits, largest.GetElement(lane));

        int excess = Math.Max(0, (bits >> 23) - 127 - LargestExponent);
        Vector512<float> fold = Vector512.Create(PowerOfTwo(112 - excess));
        for (nuint i = 0; i < (nuint)paddedColumns; i += 16)
            (Vector512.LoadUnsafe(ref source, i) * fold).StoreUnsafe(ref prepared, i);
        return PowerOfTwo(excess);
    }

    /// <summary>Whether a factor times 2^112 is finite, and a normal number's product with a folded half as exact as without.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CanFold(float factor) => MathF.Abs(factor) < (1 << (LargestExponent + 1));

    private static float PowerOfTwo(int exponent) => BitConverter.Int32BitsToSingle((exponent + 127) << 23);
}
