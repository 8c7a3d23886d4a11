using System.Globalization;

namespace SparseInfer.Generators.Declare;

/// <summary>What to write instead of a number that does not divide.</summary>
internal static class Divisors
{
    /// <summary>The divisors of <paramref name="whole"/> next to <paramref name="part"/>, as text: <c>4 or 8</c>.</summary>
    public static string Near(int whole, int part)
    {
        int below = 1;
        int above = int.MaxValue;

        // Divisors come in pairs around the square root: whatever number the user typed, the search is short.
        for (int divisor = 1; divisor <= whole / divisor; divisor++)
        {
            if (whole % divisor == 0)
            {
                Look(divisor);
                Look(whole / divisor);
            }
        }

        string text = below.ToString(CultureInfo.InvariantCulture);
        return part >= whole ? text : text + " or " + above.ToString(CultureInfo.InvariantCulture);

        void Look(int candidate)
        {
            if (candidate <= part)
            {
                below = Math.Max(below, candidate);
            }
            else
            {
                above = Math.Min(above, candidate);
            }
        }
    }
}
