using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// A matrix times a vector as a loop over rows and columns: weights widened in registers, 32 at a time, nothing fetched ahead, one row
/// after the
/// other. A <see cref="Vector512{T}"/> is two of 256 bits where the processor has no wider ones.
/// </summary>
internal static class PlainGemv
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(in WeightMatrix w, ReadOnlySpan<float> x, Span<float> y)
        where T : IWeightFormat
    {
        for (int i = 0; i < w.Rows; i++)
        {
            ref byte row = ref w.Row(i);
            Vector512<float> lower = Vector512<float>.Zero, upper = Vector512<float>.Zero;
            for (int j = 0; j < x.Length; j += 32)
            {
                T.Load32(ref row, (nuint)j, out Vector512<float> lo, out Vector512<float> hi);
                lower = Vector512.FusedMultiplyAdd(Vector512.Create(x[j..]), lo, lower);
                upper = Vector512.FusedMultiplyAdd(Vector512.Create(x[(j + 16)..]), hi, upper);
            }

            y[i] = Vector512.Sum(lower + upper) * T.Unfold;
        }
    }
}
