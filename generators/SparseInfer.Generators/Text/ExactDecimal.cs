using System.Globalization;
using System.Numerics;

namespace SparseInfer.Generators.Text;

/// <summary>A decimal as a fraction of integers, so that nothing is rounded.</summary>
internal readonly struct ExactDecimal
{
    private ExactDecimal(BigInteger numerator, BigInteger denominator)
    {
        Numerator = numerator;
        Denominator = denominator;
    }

    public BigInteger Numerator { get; }

    /// <summary>A power of ten.</summary>
    public BigInteger Denominator { get; }

    /// <summary>Parses <c>1.03</c>, <c>-2</c>, <c>1E-05</c>.</summary>
    public static ExactDecimal Parse(string text)
    {
        int exponent = 0;
        int e = text.IndexOfAny(['e', 'E']);
        if (e >= 0)
        {
            exponent = int.Parse(text.Substring(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text.Substring(0, e);
        }

        int point = text.IndexOf('.');
        if (point >= 0)
        {
            exponent -= text.Length - point - 1;
            text = text.Remove(point, 1);
        }

        BigInteger digits = BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return exponent >= 0
            ? new ExactDecimal(digits * BigInteger.Pow(10, exponent), BigInteger.One)
            : new ExactDecimal(digits, BigInteger.Pow(10, -exponent));
    }
}
