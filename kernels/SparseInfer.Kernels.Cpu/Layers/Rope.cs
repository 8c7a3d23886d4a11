using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Rotary position embedding (arXiv 2104.09864) of one head at one position, in place.</summary>
public static class Rope
{
    /// <summary>Turns dimensions 2i and 2i + 1 by angle i.</summary>
    /// <param name="head">The head's query or key.</param>
    /// <param name="cos">Cosines of the position's angles, half as many as dimensions.</param>
    /// <param name="sin">Their sines.</param>
    /// <param name="dimensions">Leading dimensions that are rotated; even.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ApplyInterleaved(ref float head, ref readonly float cos, ref readonly float sin, int dimensions)
    {
        for (int i = 0; i < dimensions / 2; i++)
        {
            Turn(ref Unsafe.Add(ref head, 2 * i), ref Unsafe.Add(ref head, (2 * i) + 1), in cos, in sin, i);
        }
    }

    /// <summary>Turns dimensions i and i + dimensions / 2 by angle i.</summary>
    /// <param name="head">The head's query or key.</param>
    /// <param name="cos">Cosines of the position's angles, half as many as dimensions.</param>
    /// <param name="sin">Their sines.</param>
    /// <param name="dimensions">Leading dimensions that are rotated; even.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ApplyHalfSplit(ref float head, ref readonly float cos, ref readonly float sin, int dimensions)
    {
        int half = dimensions / 2;
        ref float other = ref Unsafe.Add(ref head, half);
        int i = 0;
        for (; i <= half - 8; i += 8)
        {
            Vector256<float> c = Vector256.LoadUnsafe(in cos, (nuint)i);
            Vector256<float> s = Vector256.LoadUnsafe(in sin, (nuint)i);
            Vector256<float> a = Vector256.LoadUnsafe(ref head, (nuint)i);
            Vector256<float> b = Vector256.LoadUnsafe(ref other, (nuint)i);
            ((a * c) - (b * s)).StoreUnsafe(ref head, (nuint)i);
            ((a * s) + (b * c)).StoreUnsafe(ref other, (nuint)i);
        }

        for (; i < half; i++)
        {
            Turn(ref Unsafe.Add(ref head, i), ref Unsafe.Add(ref other, i), in cos, in sin, i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(ref float first, ref float second, ref readonly float cos, ref readonly float sin, int index)
    {
        float c = Unsafe.Add(ref Unsafe.AsRef(in cos), index);
        float s = Unsafe.Add(ref Unsafe.AsRef(in sin), index);
        (first, second) = ((first * c) - (second * s), (first * s) + (second * c));
    }
}
