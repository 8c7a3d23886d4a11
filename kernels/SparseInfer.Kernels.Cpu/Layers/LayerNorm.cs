using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Layer normalisation (arXiv 1607.06450).</summary>
public static class LayerNorm
{
    /// <summary><c>y = (x - mean) / √(variance + epsilon) * weight + bias</c>, the variance from a second pass over x.</summary>
    /// <param name="x">The input, padded with zeros.</param>
    /// <param name="weight">A factor for each element, padded.</param>
    /// <param name="bias">A term for each element, padded.</param>
    /// <param name="y">The result, padded with zeros; may be <paramref name="x"/> itself.</param>
    /// <param name="width">Number of elements.</param>
    /// <param name="paddedWidth">Length of all four, a multiple of 32.</param>
    /// <param name="epsilon">Added to the variance.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(
        ref readonly float x, ref readonly float weight, ref readonly float bias, ref float y, int width, int paddedWidth, float epsilon)
    {
        ref float input = ref Unsafe.AsRef(in x);
        ref float factors = ref Unsafe.AsRef(in weight);
        ref float terms = ref Unsafe.AsRef(in bias);
        Vector512<float> sum = Vector512<float>.Zero;
        for (nuint i = 0; i < (nuint)paddedWidth; i += 16)
        {
            sum += Vector512.LoadUnsafe(ref input, i);
        }

        Vector512<float> mean = Vector512.Create(Reduction.Sum(sum) / width);

        // The pad is no part of the variance: its lanes are taken out, bit by bit, before they are squared.
        Vector512<float> squares = Vector512<float>.Zero;
        Vector512<int> lanes = Vector512.CreateSequence(0, 1);
        for (nuint i = 0; i < (nuint)paddedWidth; i += 16)
        {
            Vector512<int> inside = Vector512.LessThan(lanes, Vector512.Create(width - (int)i));
            Vector512<float> deviation = (Vector512.LoadUnsafe(ref input, i) - mean) & inside.AsSingle();
            squares = Vector512.FusedMultiplyAdd(deviation, deviation, squares);
        }

        Vector512<float> scale = Vector512.Create(1 / MathF.Sqrt((Reduction.Sum(squares) / width) + epsilon));
        for (nuint i = 0; i < (nuint)paddedWidth; i += 16)
        {
            Vector512<float> normal = (Vector512.LoadUnsafe(ref input, i) - mean) * scale;
            ((normal * Vector512.LoadUnsafe(ref factors, i)) + Vector512.LoadUnsafe(ref terms, i)).StoreUnsafe(ref y, i);
        }

        MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, width), paddedWidth - width).Clear();
    }
}
