using System.Globalization;
using System.Numerics;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>Parameters that kernels have in common that count votes of signs and magnitudes, and how numbers of votes become integers.</summary>
internal static class VoteParameters
{
    /// <summary>Standard deviations beyond which an element of the input is an outlier.</summary>
    public static readonly PolicyParameter OutlierSigmas = new("float", "outlierSigmas");

    /// <summary>Hundredths of the vote that it has beside the others.</summary>
    public static readonly PolicyParameter OutlierWeight = new("int", "outlierWeight");

    /// <summary>The largest weight of outliers: sums of votes of 65,536 columns, as wide as GPUs' kernels can be, stay inside 32 bits.</summary>
    public const int MaxOutlierWeight = 300;

    /// <summary>Hundredths of votes, from the decimal digits as written, to nearest; halves away from zero.</summary>
    public static string Hundredths(string votes)
    {
        ExactDecimal value = ExactDecimal.Parse(votes);
        return Round(100 * value.Numerator, value.Denominator).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A fraction to nearest, halves away from zero.</summary>
    /// <param name="denominator">Positive.</param>
    public static BigInteger Round(BigInteger numerator, BigInteger denominator)
    {
        BigInteger magnitude = ((2 * BigInteger.Abs(numerator)) + denominator) / (2 * denominator);
        return numerator.Sign < 0 ? -magnitude : magnitude;
    }
}
