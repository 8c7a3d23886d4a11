using System.Globalization;

namespace SparseInfer.Generators.Text;

/// <summary>C# literals, the same under every culture.</summary>
internal static class Literal
{
    public static string Of(bool value) => value ? "true" : "false";

    public static string Of(float value) => OfDecimal(Shortest(value));

    /// <summary>A float literal from decimal text such as <c>0.01</c> or <c>1E-40</c>.</summary>
    public static string OfDecimal(string text) => text + "f";

    /// <summary>A number with thousands separated, for comments.</summary>
    public static string Grouped(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>
    /// The shortest decimal that reads back as the same float, without an exponent as far as a decimal reaches. Worked out rather than
    /// left to the "R" format, which is not the shortest on every runtime that hosts a compiler.
    /// </summary>
    public static string Shortest(float value)
    {
        if (value == 0f)
        {
            return "0";
        }

        int digits = 1;
        while (digits < 9 && !ReadsBack(Round(digits)))
        {
            digits++;
        }

        // 1000 rather than 1E+03, as far as a decimal reaches.
        string text = Round(digits);
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) &&
            number.ToString(CultureInfo.InvariantCulture) is var plain && ReadsBack(plain) ? plain : text;

        string Round(int digits) => value.ToString("G" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

        bool ReadsBack(string text) =>
            float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float back) && back == value;
    }
}
