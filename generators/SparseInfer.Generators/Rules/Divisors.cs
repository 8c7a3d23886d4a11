using System.Globalization;

namespace SparseInfer.Generators.Rules;

/// <summary>What to write instead of a number that does not divide.</summary>
internal static class Divisors
{
    /// <summary>The divisors of <paramref name="whole"/> next to <paramref name="part"/>, as text: <c>4 or 8</c>.</summary>
    public static string Near(int whole, int part)
    {
        int below = part < whole ? part : whole;
        while (whole % below != 0)
        {
            below--;
        }

        int above = part + 1;
        while (above < whole && whole % above != 0)
        {
            above++;
        }

        string text = below.ToString(CultureInfo.InvariantCulture);
        return above > whole ? text : text + " or " + above.ToString(CultureInfo.InvariantCulture);
    }
}
