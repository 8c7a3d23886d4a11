using System.Globalization;
using System.Numerics;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Floats as decimal digits, as C prints them: from the exact value in binary; of two as near, the even one.</summary>
internal static class FloatDigits
{
    /// <summary>The most digits behind the point that may be asked for. No double has more that are not zero.</summary>
    public const int MaxDigits = 1100;

    /// <summary>As <c>%.nf</c>, of a number that is finite and has no sign.</summary>
    public static string Fixed(double number, int digits)
    {
        string text = Scaled(number, digits).ToString(CultureInfo.InvariantCulture).PadLeft(digits + 1, '0');
        return digits == 0 ? text : $"{text[..^digits]}.{text[^digits..]}";
    }

    /// <summary>As <c>%.ne</c>, of a number that is finite and has no sign.</summary>
    public static string Exponential(double number, int digits)
    {
        (string mantissa, int exponent) = Significant(number, digits + 1);
        string fraction = digits > 0 ? $".{mantissa[1..]}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{mantissa[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    /// <summary>As <c>%.ng</c>, of a number that is finite and has no sign.</summary>
    /// <param name="number">The number.</param>
    /// <param name="digits">Significant digits; 0 is 1.</param>
    /// <param name="keepZeros">Whether zeros at the end stay: C's <c>#</c>.</param>
    /// <param name="asFloat">Whether the text must show that it is a float, as <c>str</c> does: <c>1.0</c>, not <c>1</c>.</param>
    public static string General(double number, int digits, bool keepZeros, bool asFloat)
    {
        digits = Math.Max(1, digits);
        (_, int exponent) = Significant(number, digits);
        if (exponent < -4 || exponent >= digits - (asFloat ? 1 : 0))
        {
            string text = Exponential(number, digits - 1);
            int mark = text.IndexOf('e', StringComparison.Ordinal);
            return $"{Trimmed(text[..mark])}{text[mark..]}";
        }

        string point = Trimmed(Fixed(number, digits - 1 - exponent));
        return asFloat && !point.Contains('.', StringComparison.Ordinal) ? $"{point}.0" : point;

        string Trimmed(string text)
        {
            bool hasPoint = text.Contains('.', StringComparison.Ordinal);
            return keepZeros ? hasPoint ? text : $"{text}." : hasPoint ? text.TrimEnd('0').TrimEnd('.') : text;
        }
    }

    /// <summary>As <c>round</c>; digits below 0 are those before the point.</summary>
    public static double Round(double number, int digits)
    {
        if (!double.IsFinite(number) || digits > 330)
        {
            return number;
        }

        BigInteger scaled = digits < -330 ? 0 : Scaled(Math.Abs(number), digits);
        double rounded = double.Parse(string.Create(CultureInfo.InvariantCulture, $"{scaled}e{-digits}"), CultureInfo.InvariantCulture);
        return double.IsFinite(rounded) ? Math.CopySign(rounded, number) : throw new TemplateFault("a rounded float is too large");
    }

    /// <summary>A whole number, divided and rounded to the nearest; of two as near, to the even one.</summary>
    public static BigInteger Divide(BigInteger number, BigInteger divisor)
    {
        var quotient = BigInteger.DivRem(number, divisor, out BigInteger rest);
        int side = (BigInteger.Abs(rest) * 2).CompareTo(BigInteger.Abs(divisor));
        bool away = side > 0 || (side == 0 && !quotient.IsEven);
        return away ? quotient + (rest.Sign == divisor.Sign ? 1 : -1) : quotient;
    }

    private static (string Digits, int Exponent) Significant(double number, int count)
    {
        if (number == 0)
        {
            return (new string('0', count), 0);
        }

        int exponent = (int)Math.Floor(Math.Log10(number));
        while (true)
        {
            string digits = Scaled(number, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
            {
                return (digits, exponent);
            }

            exponent += digits.Length > count ? 1 : -1; // the logarithm was off by one, or 9.99 became 10.0
        }
    }

    /// <summary>The number times a power of ten, rounded.</summary>
    private static BigInteger Scaled(double number, int digits)
    {
        long bits = BitConverter.DoubleToInt64Bits(number);
        int field = (int)((bits >> 52) & 0x7FF);
        long fraction = bits & ((1L << 52) - 1);
        BigInteger numerator = field == 0 ? fraction : fraction | (1L << 52);
        int power = Math.Max(field, 1) - 1075;
        BigInteger denominator = power < 0 ? BigInteger.One << -power : BigInteger.One;
        numerator <<= Math.Max(power, 0);
        var ten = BigInteger.Pow(10, Math.Abs(digits));
        return digits >= 0 ? Divide(numerator * ten, denominator) : Divide(numerator, denominator * ten);
    }
}
