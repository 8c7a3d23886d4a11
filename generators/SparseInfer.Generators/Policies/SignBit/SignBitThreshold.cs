using System.Numerics;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>The predictor's test as an integer.</summary>
internal static class SignBitThreshold
{
    /// <summary>
    /// The most disagreeing signs with which a neuron is still computed. A neuron is predicted inactive iff
    /// <c>N_neg > alpha * N_pos</c> with <c>N_pos = width - N_neg</c> (arXiv 2411.12692), that is iff
    /// <c>N_neg > floor(alpha * width / (1 + alpha))</c>. Worked out on alpha's decimal digits, because a rounded alpha would flip ties.
    /// </summary>
    public static int Of(string alpha, int width)
    {
        ExactDecimal a = ExactDecimal.Parse(alpha);
        return (int)BigInteger.Divide(a.Numerator * width, a.Denominator + a.Numerator);
    }

    /// <summary>
    /// Whether even a neuron that disagrees in 65 of 100 signs, far more than chance, exceeds the threshold less than once in a million
    /// times.
    /// </summary>
    public static bool NeverSkips(int threshold, int width) => IsRarer(threshold + 1, width, Likely);

    /// <summary>Whether even a neuron that agrees in 65 of 100 signs is kept less than once in a million times.</summary>
    public static bool AlwaysSkips(int threshold, int width) => IsRarer(width - threshold, width, Likely);

    private const double Likely = 0.65;

    /// <summary>
    /// Whether <paramref name="count"/> or more of <paramref name="width"/> independent signs come with a probability below 1e-6 where each
    /// comes with <paramref name="likely"/>: by Chernoff's bound, exp(-width * KL(count / width, likely)).
    /// </summary>
    private static bool IsRarer(int count, int width, double likely)
    {
        double share = (double)count / width;
        if (share <= likely)
        {
            return false;
        }

        double divergence = share >= 1
            ? -Math.Log(likely)
            : (share * Math.Log(share / likely)) + ((1 - share) * Math.Log((1 - share) / (1 - likely)));
        return share > 1 || width * divergence > Math.Log(1e6);
    }
}
