using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Packs one bit of each magnitude, as <see cref="Signs"/> packs signs: whether an element is large, farther from its row's mean than 0.6745 standard
/// deviations, as half of a normal distribution's are (Grasp). Mean and deviation (of a sample: over n - 1) are summed in double precision, 32 columns
/// at a time and one order for any width of vectors.
/// </summary>
public static class Magnitudes
{
    /// <summary>Standard deviations from the mean beyond which half of a normal distribution lies.</summary>
    private const double Median = 0.6745;

    /// <summary>Packs the magnitudes of an input vector, and which of its elements are outliers; bits beyond its width are zero.</summary>
    /// <param name="x">The input, readable up to its padded width.</param>
    /// <param name="large">Room for <see cref="Signs.WordsPerRow"/> words: which elements are large.</param>
    /// <param name="outliers">Room for as many: which are outliers.</param>
    /// <param name="columns">Width of the input.</param>
    /// <param name="sigmas">Standard deviations from the mean beyond which an element is an outlier.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ref readonly float x, ref ulong large, ref ulong outliers, int columns, float sigmas)
    {
        ref byte row = ref Unsafe.As<float, byte>(ref Unsafe.AsRef(in x));
        (double mean, double deviation) = Spread<F32>(ref row, columns);
        PackBeyond<F32>(ref row, ref large, columns, mean, Median * deviation);
        PackBeyond<F32>(ref row, ref outliers, columns, mean, sigmas * deviation);
    }

    /// <summary>Packs the magnitudes of a row of weights. A folded scale moves no bit: it is a power of two, of mean and deviation, too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Pack<T>(ref byte row, ref ulong words, int columns)
        where T : IWeightFormat
    {
        (double mean, double deviation) = Spread<T>(ref row, columns);
        PackBeyond<T>(ref row, ref words, columns, mean, Median * deviation);
    }

    /// <summary>Mean and sample deviation; the deviation of one element is not a number, and so nothing is beyond it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (double Mean, double Deviation) Spread<T>(ref byte row, int columns)
        where T : IWeightFormat
    {
        Vector512<double> a = default, b = default, c = default, d = default;
        for (int column = 0; column < columns; column += 32)
        {
            Load<T>(ref row, column, columns, out Vector512<float> lo, out Vector512<float> hi);
            a += Vector512.WidenLower(lo);
            b += Vector512.WidenUpper(lo);
            c += Vector512.WidenLower(hi);
            d += Vector512.WidenUpper(hi);
        }

        double mean = Sum((a + b) + (c + d)) / columns;
        Vector512<double> center = Vector512.Create(mean);
        a = b = c = d = default;
        for (int column = 0; column < columns; column += 32)
        {
            Load<T>(ref row, column, columns, out Vector512<float> lo, out Vector512<float> hi);
            Vector512<long> lanes = Vector512.CreateSequence((long)column, 1);
            a += Square(Vector512.WidenLower(lo) - center, lanes, columns);
            b += Square(Vector512.WidenUpper(lo) - center, lanes, columns - 8);
            c += Square(Vector512.WidenLower(hi) - center, lanes, columns - 16);
            d += Square(Vector512.WidenUpper(hi) - center, lanes, columns - 24);
        }

        return (mean, Math.Sqrt(Sum((a + b) + (c + d)) / (columns - 1)));
    }

    /// <summary>32 columns; those beyond the width are zero, whatever lies there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Load<T>(ref byte row, int column, int columns, out Vector512<float> lo, out Vector512<float> hi)
        where T : IWeightFormat
    {
        T.Load32(ref row, (nuint)column, out lo, out hi);
        if (column > columns - 32)
        {
            Vector512<int> lanes = Vector512.CreateSequence(column, 1);
            lo &= Vector512.LessThan(lanes, Vector512.Create(columns)).AsSingle();
            hi &= Vector512.LessThan(lanes, Vector512.Create(columns - 16)).AsSingle();
        }
    }

    /// <summary>The squares of deviations, zero beyond the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Square(Vector512<double> deviation, Vector512<long> lanes, int columns)
    {
        deviation &= Vector512.LessThan(lanes, Vector512.Create((long)columns)).AsDouble();
        return deviation * deviation;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static double Sum(Vector512<double> lanes)
    {
        Vector256<double> half = lanes.GetLower() + lanes.GetUpper();
        Vector128<double> quarter = half.GetLower() + half.GetUpper();
        return quarter.GetElement(0) + quarter.GetElement(1);
    }

    /// <summary>
    /// Packs which elements lie farther from the mean than a distance. Bounds are rounded to single precision towards the mean's far side, so that comparing
    /// with them is comparing with the double.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackBeyond<T>(ref byte row, ref ulong words, int columns, double mean, double distance)
        where T : IWeightFormat
    {
        Vector512<float> below = Vector512.Create(RoundUp(mean - distance));
        Vector512<float> above = Vector512.Create(-RoundUp(-(mean + distance)));
        for (int column = 0; column < columns; column += 64)
        {
            ulong bits = PackBeyond32<T>(ref row, column, below, above);
            int rest = columns - column;
            if (rest > 32)
            {
                bits |= (ulong)PackBeyond32<T>(ref row, column + 32, below, above) << 32;
            }

            words = rest < 64 ? bits & ((1UL << rest) - 1) : bits;
            words = ref Unsafe.Add(ref words, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint PackBeyond32<T>(ref byte row, int column, Vector512<float> below, Vector512<float> above)
        where T : IWeightFormat
    {
        T.Load32(ref row, (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
        ulong first = (Vector512.LessThan(lo, below) | Vector512.GreaterThan(lo, above)).ExtractMostSignificantBits();
        ulong second = (Vector512.LessThan(hi, below) | Vector512.GreaterThan(hi, above)).ExtractMostSignificantBits();
        return (uint)first | ((uint)second << 16);
    }

    /// <summary>The smallest float that is not below a number: a float is below the number iff it is below that.</summary>
    private static float RoundUp(double value)
    {
        float rounded = (float)value;
        return rounded < value ? MathF.BitIncrement(rounded) : rounded;
    }
}
