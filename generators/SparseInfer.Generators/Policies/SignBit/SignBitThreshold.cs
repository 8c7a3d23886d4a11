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
}
