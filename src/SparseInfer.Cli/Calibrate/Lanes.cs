using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Sums in eight lanes, whatever vectors the processor has: the same bits everywhere.</summary>
internal static class Lanes
{
    /// <summary>A dot product.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector256<float>> left = MemoryMarshal.Cast<float, Vector256<float>>(a);
        ReadOnlySpan<Vector256<float>> right = MemoryMarshal.Cast<float, Vector256<float>>(b);
        Vector256<float> sum = default;
        for (int i = 0; i < left.Length; i++)
        {
            sum += left[i] * right[i];
        }

        float total = Vector256.Sum(sum);
        for (int i = left.Length * Vector256<float>.Count; i < a.Length; i++)
        {
            total += a[i] * b[i];
        }

        return total;
    }

    /// <summary>Adds a multiple of a vector.</summary>
    public static void Add(Span<float> y, float factor, ReadOnlySpan<float> x)
    {
        Span<Vector256<float>> sums = MemoryMarshal.Cast<float, Vector256<float>>(y);
        ReadOnlySpan<Vector256<float>> terms = MemoryMarshal.Cast<float, Vector256<float>>(x);
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += factors * terms[i];
        }

        for (int i = sums.Length * Vector256<float>.Count; i < y.Length; i++)
        {
            y[i] += factor * x[i];
        }
    }

    /// <summary>The Euclidean norm.</summary>
    public static double Norm(ReadOnlySpan<float> x) => Math.Sqrt(Dot(x, x));
}
