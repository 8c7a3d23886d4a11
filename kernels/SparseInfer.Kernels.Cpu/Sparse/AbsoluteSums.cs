using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How much inputs and rows of weights weigh: sums of absolute values, what a bias is compared with where only signs of products are known. Each has
/// one order, for any width of vectors.
/// </summary>
public static partial class AbsoluteSums
{
    /// <summary>Sums that an input is added up in: a warp of a GPU has four a lane, and adds in the same order.</summary>
    private const int Lanes = 128;

    /// <summary>The sum of an input's absolute values: 128 sums of every 128-th column, and one tree.</summary>
    /// <param name="x">The input.</param>
    /// <param name="columns">Its width.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Of(ref readonly float x, int columns)
    {
        Span<float> sums = stackalloc float[Lanes];
        sums.Clear();
        ref float sum = ref MemoryMarshal.GetReference(sums);
        ref float value = ref Unsafe.AsRef(in x);
        for (int from = 0; from < columns; from += Lanes)
        {
            int rest = Math.Min(Lanes, columns - from);
            int lane = 0;
            for (; lane <= rest - 4; lane += 4)
            {
                Vector128<float> four = Vector128.Abs(Vector128.LoadUnsafe(ref value, (nuint)(from + lane)));
                (Vector128.LoadUnsafe(ref sum, (nuint)lane) + four).StoreUnsafe(ref sum, (nuint)lane);
            }

            for (; lane < rest; lane++)
            {
                sums[lane] += MathF.Abs(Unsafe.Add(ref value, from + lane));
            }
        }

        for (int lane = 0; lane < Lanes / 4; lane++)
        {
            sums[lane] = (sums[4 * lane] + sums[(4 * lane) + 1]) + (sums[(4 * lane) + 2] + sums[(4 * lane) + 3]);
        }

        for (int half = Lanes / 8; half > 0; half /= 2)
        {
            for (int lane = 0; lane < half; lane++)
            {
                sums[lane] += sums[lane + half];
            }
        }

        return sums[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sum<T>(ref byte row, int columns)
        where T : IWeightFormat
    {
        Vector512<double> a = default, b = default, c = default, d = default;
        for (int column = 0; column < columns; column += 32)
        {
            Magnitudes.Load<T>(ref row, column, columns, out Vector512<float> lo, out Vector512<float> hi);
            lo = Vector512.Abs(lo);
            hi = Vector512.Abs(hi);
            a += Vector512.WidenLower(lo);
            b += Vector512.WidenUpper(lo);
            c += Vector512.WidenLower(hi);
            d += Vector512.WidenUpper(hi);
        }

        return Magnitudes.Sum((a + b) + (c + d));
    }
}
