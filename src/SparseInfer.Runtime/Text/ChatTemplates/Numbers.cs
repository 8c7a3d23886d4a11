using System.Globalization;
using System.Numerics;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Python's numbers: whole ones of any size up to a limit, floats, and truth values, which are 0 and 1.</summary>
internal static class Numbers
{
    public static bool Is(object? value) => value is bool or long or BigInteger or double;

    public static bool IsWhole(object? value) => value is bool or long or BigInteger;

    public static double ToDouble(object value) => value switch
    {
        bool truth => truth ? 1 : 0,
        long number => number,
        BigInteger number => Divide(number, BigInteger.One),
        _ => (double)value,
    };

    public static BigInteger ToWhole(object value) => value switch
    {
        bool truth => truth ? 1 : 0,
        long number => number,
        _ => (BigInteger)value,
    };

    public static object FromWhole(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? (object)(long)number
        : number.GetBitLength() <= Budget.MaxBits ? number
        : throw new TemplateFault($"a whole number gets more than {Budget.MaxBits} bits");

    /// <summary>-1, 0 or 1; 2 where one is no number, which is neither below nor above nor equal to any.</summary>
    public static int Compare(object a, object b)
    {
        if (a is long small && b is long other)
        {
            return small.CompareTo(other);
        }

        if (IsWhole(a) && IsWhole(b))
        {
            return Math.Sign(ToWhole(a).CompareTo(ToWhole(b)));
        }

        (double x, double y) = (ToDouble(a), ToDouble(b));
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }

    public static object Negate(object value) => IsWhole(value) ? FromWhole(-ToWhole(value)) : -ToDouble(value);

    public static object Absolute(object value) => IsWhole(value) ? FromWhole(BigInteger.Abs(ToWhole(value))) : Math.Abs(ToDouble(value));

    /// <summary>Two numbers under one of Python's operators.</summary>
    /// <exception cref="TemplateFault">Division by zero, or a result that is too large.</exception>
    public static object Compute(string sign, object a, object b)
    {
        if (a is long and > int.MinValue and < int.MaxValue && b is long and > int.MinValue and < int.MaxValue)
        {
            (long x, long y) = ((long)a, (long)b);
            switch (sign)
            {
                case "+":
                    return x + y;
                case "-":
                    return x - y;
                case "*":
                    return x * y;
            }
        }

        if (sign is "/" or "//" or "%" && Compare(b, 0L) == 0)
        {
            throw new TemplateFault("a division by zero");
        }

        if (sign == "/" && IsWhole(a) && IsWhole(b) && !(IsExact(a) && IsExact(b)))
        {
            return Divide(ToWhole(a), ToWhole(b)) is var ratio && double.IsFinite(ratio) ? ratio : throw new TemplateFault("a whole number is too large for a float");
        }

        if (sign == "/" || !IsWhole(a) || !IsWhole(b) || (sign == "**" && ToWhole(b).Sign < 0))
        {
            return Compute(sign, ToDouble(a), ToDouble(b));
        }

        BigInteger left = ToWhole(a);
        BigInteger right = ToWhole(b);
        switch (sign)
        {
            case "+":
                return FromWhole(left + right);
            case "-":
                return FromWhole(left - right);
            case "*":
                return FromWhole(left * right);
            case "**":
                bool small = BigInteger.Abs(left) <= 1 || left.GetBitLength() * (double)right <= 2 * Budget.MaxBits;
                return small ? FromWhole(BigInteger.Pow(left, (int)(BigInteger.Abs(left) <= 1 ? BigInteger.Min(right, 2 + right % 2) : right)))
                    : throw new TemplateFault($"a whole number gets more than {Budget.MaxBits} bits");
            default:
                var quotient = BigInteger.DivRem(left, right, out BigInteger rest);
                bool below = !rest.IsZero && rest.Sign != right.Sign;
                return FromWhole(sign == "//" ? quotient - (below ? 1 : 0) : rest + (below ? right : 0));
        }
    }

    /// <summary>As <c>repr</c> of a float: the shortest digits that give it back, and always a point or an exponent.</summary>
    public static string Show(double number)
    {
        if (!double.IsFinite(number))
        {
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }

        string shortest = number.ToString("R", CultureInfo.InvariantCulture).TrimStart('-');
        int mark = shortest.IndexOf('E', StringComparison.Ordinal);
        string digits = mark < 0 ? shortest : shortest[..mark];
        int point = digits.IndexOf('.', StringComparison.Ordinal) is >= 0 and var found ? found : digits.Length;
        digits = digits.Replace(".", "", StringComparison.Ordinal);
        string mantissa = digits.TrimStart('0');
        int exponent = point - 1 - (digits.Length - mantissa.Length)
            + (mark < 0 ? 0 : int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        exponent = mantissa.Length == 0 ? 0 : exponent;
        mantissa = mantissa.TrimEnd('0') is { Length: > 0 } significant ? significant : "0";
        string sign = double.IsNegative(number) ? "-" : "";
        if (exponent is >= -4 and < 16)
        {
            var text = new StringBuilder(sign);
            string whole = exponent < 0 ? "0" : mantissa.PadRight(exponent + 1, '0')[..(exponent + 1)];
            string rest = exponent < 0 ? new string('0', -exponent - 1) + mantissa : mantissa.Length > exponent + 1 ? mantissa[(exponent + 1)..] : "0";
            return text.Append(whole).Append('.').Append(rest).ToString();
        }

        string fraction = mantissa.Length > 1 ? $".{mantissa[1..]}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{mantissa[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    /// <summary>A text that is a whole number in Python, or null.</summary>
    public static object? ParseWhole(string text, int radix = 10)
    {
        string digits = Characters.TrimStart(Characters.TrimEnd(text)).ToString();
        if (digits.Length > Budget.MaxBits / 4)
        {
            return null;
        }

        bool negative = digits.StartsWith('-');
        digits = digits.StartsWith('-') || digits.StartsWith('+') ? digits[1..] : digits;
        string prefix = digits.Length > 2 && digits[0] == '0' ? digits[..2].ToUpperInvariant() : "";
        int named = prefix switch { "0X" => 16, "0O" => 8, "0B" => 2, _ => 0 };
        if (named != 0 && (radix == 0 || radix == named))
        {
            (digits, radix) = (digits[2..], named);
        }

        radix = radix == 0 ? 10 : radix;
        BigInteger number = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            if (digits[i] == '_' && i > 0 && i + 1 < digits.Length && digits[i - 1] != '_')
            {
                continue;
            }

            int digit = char.IsAsciiHexDigit(digits[i]) ? Convert.ToInt32(digits[i].ToString(), 16) : char.IsAsciiLetter(digits[i]) ? char.ToUpperInvariant(digits[i]) - 'A' + 10 : radix;
            if (digit >= radix)
            {
                return null;
            }

            number = number * radix + digit;
        }

        return digits.Length == 0 ? null : FromWhole(negative ? -number : number);
    }

    /// <summary>A text that is a float in Python, or null.</summary>
    public static double? ParseFloat(string text)
    {
        string digits = Characters.TrimStart(Characters.TrimEnd(text)).ToString();
        return digits.ToUpperInvariant() switch
        {
            "NAN" or "+NAN" or "-NAN" => double.NaN,
            "INF" or "+INF" or "INFINITY" or "+INFINITY" => double.PositiveInfinity,
            "-INF" or "-INFINITY" => double.NegativeInfinity,
            _ => double.TryParse(
                digits, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number)
                ? number : null,
        };
    }

    /// <summary>The float that is nearest to a quotient of whole numbers of any size; of two as near, the even one.</summary>
    private static double Divide(BigInteger number, BigInteger divisor)
    {
        // At least 64 bits, of which the last says whether anything follows: the conversion of these rounds once.
        var size = BigInteger.Abs(number);
        var by = BigInteger.Abs(divisor);
        int shift = (int)Math.Max(0, 66 - size.GetBitLength() + by.GetBitLength());
        var quotient = BigInteger.DivRem(size << shift, by, out BigInteger rest);
        int extra = (int)Math.Max(0, quotient.GetBitLength() - 64);
        bool follows = !rest.IsZero || !(quotient & ((BigInteger.One << extra) - 1)).IsZero;
        double value = Math.ScaleB((double)((ulong)(quotient >> extra) | (follows ? 1UL : 0)), extra - shift);
        return number.Sign * divisor.Sign < 0 ? -value : value;
    }

    /// <summary>Whether a whole number is the same as a float.</summary>
    private static bool IsExact(object number) => number is bool or (>= -(1L << 53) and <= 1L << 53);

    private static double Compute(string sign, double a, double b)
    {
        switch (sign)
        {
            case "+":
                return a + b;
            case "-":
                return a - b;
            case "*":
                return a * b;
            case "/":
                return a / b;
            case "**":
                return a == 0 && b < 0 ? throw new TemplateFault("a division by zero") : Math.Pow(a, b);
            default:
                double rest = a % b;
                rest = rest == 0 ? Math.CopySign(0, b) : double.IsNegative(rest) != double.IsNegative(b) ? rest + b : rest;
                double quotient = Math.Floor(Math.Round((a - rest) / b, MidpointRounding.ToEven));
                return sign == "%" ? rest : quotient == 0 ? Math.CopySign(0, a / b) : quotient;
        }
    }
}
