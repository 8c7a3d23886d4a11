using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Functions that ILGPU has only in ILGPU.Algorithms, and there as approximations: the same code on every device.</summary>
public static class Portable
{
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts (Cody and Waite): the first has 11 zero bits at its end, so that its product with the exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    // Adding 3 * 2^22 leaves a float's integer part in its lower mantissa bits.
    private const float Integer = 12582912;
    private const uint IntegerBits = 0x4b400000;

    /// <summary>
    /// The larger magnitude; NaN where one is NaN, so that a broken model shows. A GPU's own maximum drops NaN. As integers, magnitudes have the
    /// order of their values, and NaN comes last.
    /// </summary>
    /// <param name="a">A number.</param>
    /// <param name="b">Another.</param>
    public static float LargerMagnitude(float a, float b)
    {
        uint x = Interop.FloatAsInt(a) & 0x7fffffffu;
        uint y = Interop.FloatAsInt(b) & 0x7fffffffu;
        return Interop.IntAsFloat(x > y ? x : y);
    }

    /// <summary>
    /// e^x, to 2 units in the last place where the result is a normal number: <c>2^k e^r</c> with |r| at most ln 2 / 2 and e^r as a
    /// series of seven terms. Infinity above 88.73, 0 below -104; NaN stays NaN.
    /// </summary>
    /// <param name="x">The exponent.</param>
    public static float Exp(float x)
    {
        float limited = x > 89 ? 89 : x < -104 ? -104 : x;
        float shifted = (limited * Log2E) + Integer;
        float k = shifted - Integer;
        float r = limited - (k * Ln2High);
        r -= k * Ln2Low;

        float series = 1f / 5040;
        series = (series * r) + (1f / 720);
        series = (series * r) + (1f / 120);
        series = (series * r) + (1f / 24);
        series = (series * r) + (1f / 6);
        series = (series * r) + 0.5f;

        // r as it is, then 1: what is rounded before the last addition is small beside the result.
        series = (series * (r * r)) + r;
        series += 1;

        // In two factors: 2^128 is no float, nor is 2^-150, though a product with it may be.
        int exponent = (int)(Interop.FloatAsInt(shifted) - IntegerBits);
        int half = exponent >> 1;
        return series * PowerOfTwo(half) * PowerOfTwo(exponent - half);
    }

    private static float PowerOfTwo(int exponent) => Interop.IntAsFloat((uint)(exponent + 127) << 23);
}
