using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Root mean square normalisation (arXiv 1910.07467).</summary>
public static class RmsNorm
{
    /// <summary><c>y = x / √(mean(x²) + epsilon) * weight</c>.</summary>
    /// <param name="x">The input, padded with zeros.</param>
    /// <param name="weight">A factor for each element, padded with zeros.</param>
    /// <param name="y">The result, padded with zeros; may be <paramref name="x"/> itself.</param>
    /// <param name="width">Number of elements.</param>
    /// <param name="paddedWidth">Length of all three, a multiple of 32.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(
        ref readonly float x, ref readonly float weight, ref float y, int width, int paddedWidth, float epsilon)
    {
        ref float input = ref Unsafe.AsRef(in x);
        ref float factors = ref Unsafe.AsRef(in weight);
        Vector512<float> sum = Vector512<float>.Zero;
        for (nuint i = 0; i < (nuint)paddedWidth; i += 16)
        {
            Vector512<float> value = Vector512.LoadUnsafe(ref input, i);
            sum = Vector512.FusedMultiplyAdd(value, value, sum);
        }

        Vector512<float> scale = Vector512.Create(1 / MathF.Sqrt((Reduction.Sum(sum) / width) + epsilon));
        for (nuint i = 0; i < (nuint)paddedWidth; i += 16)
        {
            (Vector512.LoadUnsafe(ref input, i) * scale * Vector512.LoadUnsafe(ref factors, i)).StoreUnsafe(ref y, i);
        }
    }

    /// <summary>The same of a head's query or key, in place: heads lie one after the other, and have no pad.</summary>
    /// <param name="head">The head.</param>
    /// <param name="weight">A factor for each element.</param>
    /// <param name="width">Number of elements.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ApplyToHead(ref float head, ref readonly float weight, int width, float epsilon)
    {
        ref float factors = ref Unsafe.AsRef(in weight);
        Span<float> rest = stackalloc float[16];
        int whole = width & ~15;
        MemoryMarshal.CreateSpan(ref Unsafe.Add(ref head, whole), width - whole).CopyTo(rest);
        rest[(width - whole)..].Clear();
        Vector512<float> sum = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(rest));
        sum *= sum;
        for (nuint i = 0; i < (nuint)whole; i += 16)
        {
            Vector512<float> value = Vector512.LoadUnsafe(ref head, i);
            sum = Vector512.FusedMultiplyAdd(value, value, sum);
        }

        float scale = 1 / MathF.Sqrt((Reduction.Sum(sum) / width) + epsilon);
        for (nuint i = 0; i < (nuint)whole; i += 16)
        {
            (Vector512.LoadUnsafe(ref head, i) * Vector512.Create(scale) * Vector512.LoadUnsafe(ref factors, i)).StoreUnsafe(ref head, i);
        }

        for (int i = whole; i < width; i++)
        {
            Unsafe.Add(ref head, i) *= scale * Unsafe.Add(ref factors, i);
        }
    }
}
