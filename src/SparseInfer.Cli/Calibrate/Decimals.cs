using System.Globalization;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Numbers as attributes have them: floats whose shortest decimals are what counts.</summary>
internal static class Decimals
{
    private const int MaxDigits = 8;

    /// <summary>A float between two numbers, neither of them, with few digits, two at least tried; null: there is none of as many digits as floats have.</summary>
    public static float? Between(decimal least, decimal greatest)
    {
        for (int digits = 2; digits <= MaxDigits; digits++)
        {
            float value = (float)Math.Round((least + greatest) / 2, digits);
            decimal written = decimal.Parse(value.ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
            if (written > least && written < greatest)
            {
                return value;
            }
        }

        return null;
    }
}
