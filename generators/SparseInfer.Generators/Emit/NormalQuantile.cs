using System.Globalization;

namespace SparseInfer.Generators.Emit;

/// <summary>Where a share of the standard normal distribution lies below: the inverse of its cumulative distribution function.</summary>
internal static class NormalQuantile
{
    /// <param name="share">0.001 to 0.999, as a decimal.</param>
    public static float Of(string share)
    {
        double wanted = double.Parse(share, NumberStyles.Float, CultureInfo.InvariantCulture);

        // Beyond 4 either way lies less than the smallest share. Halved until no double is left between.
        double low = -4;
        double high = 4;
        while ((low + high) / 2 is var middle && middle > low && middle < high)
        {
            (low, high) = Below(middle) < wanted ? (middle, high) : (low, middle);
        }

        return (float)high;
    }

    /// <summary>1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + ...) (Marsaglia, Journal of Statistical Software 11, 2004).</summary>
    private static double Below(double z)
    {
        double sum = 0;
        double term = z;
        for (int odd = 3; sum + term != sum; odd += 2)
        {
            sum += term;
            term *= z * z / odd;
        }

        return 0.5 + (sum * Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI));
    }
}
