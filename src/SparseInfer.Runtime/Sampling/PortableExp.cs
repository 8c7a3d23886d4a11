namespace SparseInfer.Sampling;

/// <summary>
/// e to the power x with the same bits on every platform. <see cref="Math.Exp"/> calls the system's C library, and these differ in the
/// last place; a draw that falls just there would choose another token.
/// </summary>
internal static class PortableExp
{
    private const double Log2E = 1.4426950408889634;

    // ln 2 in two parts: the first has 21 zero bits at its end, so that its product with any exponent is exact (Cody and Waite).
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;

    /// <summary>e^x for x at most 0, to about one unit in the last place; 0 where the result would not be a normal number.</summary>
    public static double OfNonPositive(double x)
    {
        if (!(x >= -708))
        {
            return 0;
        }

        // x = k ln 2 + r with |r| <= ln 2 / 2, where thirteen terms of the series leave an error below 2^-57. Only operations that IEEE 754
        // rounds exactly are used, and the compiler fuses none of them.
        double k = Math.Round(x * Log2E);
        double r = x - k * Ln2High - k * Ln2Low;
        double series = 1.0 / 6227020800;
        series = series * r + 1.0 / 479001600;
        series = series * r + 1.0 / 39916800;
        series = series * r + 1.0 / 3628800;
        series = series * r + 1.0 / 362880;
        series = series * r + 1.0 / 40320;
        series = series * r + 1.0 / 5040;
        series = series * r + 1.0 / 720;
        series = series * r + 1.0 / 120;
        series = series * r + 1.0 / 24;
        series = series * r + 1.0 / 6;
        series = series * r + 0.5;
        series = series * r + 1;
        series = series * r + 1;
        return series * BitConverter.Int64BitsToDouble((1023 + (long)k) << 52);
    }
}
