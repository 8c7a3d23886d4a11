using ILGPU;
using Half = ILGPU.Half;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Floats as sums of two halves, 22 bits of them: the nearest half, and the nearest to what it leaves. A token's are first multiplied by a power
/// of two that brings its largest to between 2^14 and 2^15, so that none passes a half's range, and small ones lose bits only where they are
/// below 2^-17 of the largest.
/// </summary>
public static class SplitHalves
{
    private const int Mantissa = 23;

    /// <summary>The factor for values up to a size; a power of two.</summary>
    /// <param name="most">The largest magnitude.</param>
    public static float Factor(float most)
    {
        // Exponents are biased by 127. Zero and the smallest get 2^126, whose reciprocal is a normal float still.
        int field = 127 + 127 + 14 - (int)(Interop.FloatAsInt(most) >> Mantissa);
        return Interop.IntAsFloat((uint)(field < 253 ? field : 253) << Mantissa);
    }

    /// <summary>One over a factor.</summary>
    /// <param name="factor">What <see cref="Factor"/> returned.</param>
    public static float Reciprocal(float factor) => Interop.IntAsFloat((254u << Mantissa) - Interop.FloatAsInt(factor));

    /// <summary>The larger of a size and four magnitudes.</summary>
    /// <param name="a">Four values.</param>
    /// <param name="most">The size.</param>
    public static float Most(Float4 a, float most) => Larger(Larger(Larger(Larger(most, a.X), a.Y), a.Z), a.W);

    /// <summary>The nearest halves of eight values, the first in the lower half of a word.</summary>
    /// <param name="a">Four values.</param>
    /// <param name="b">Four more.</param>
    public static Words4 High(Float4 a, Float4 b) => new(Pair(a.X, a.Y), Pair(a.Z, a.W), Pair(b.X, b.Y), Pair(b.Z, b.W));

    /// <summary>The nearest halves of what is left of eight values.</summary>
    /// <param name="a">Four values.</param>
    /// <param name="b">Four more.</param>
    /// <param name="high">Their nearest halves.</param>
    public static Words4 Low(Float4 a, Float4 b, Words4 high) => High(Subtract(a, F16.Widen0(high)), Subtract(b, F16.Widen1(high)));

    /// <summary>The columns of two rows beside each other: the lower halves of two words, the first's below.</summary>
    /// <param name="a">Two columns of the first row.</param>
    /// <param name="b">The same two of the second.</param>
    public static uint Lower(uint a, uint b) => (a & 0xffff) | (b << 16);

    /// <summary>The upper halves of two words.</summary>
    /// <param name="a">Two columns of the first row.</param>
    /// <param name="b">The same two of the second.</param>
    public static uint Upper(uint a, uint b) => (a >> 16) | (b & 0xffff0000u);

    private static float Larger(float most, float value)
    {
        float size = Interop.IntAsFloat(Interop.FloatAsInt(value) & 0x7fffffffu);
        return size > most ? size : most;
    }

    private static Float4 Subtract(Float4 a, Float4 b) => new(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    private static uint Pair(float lower, float upper) => Interop.FloatAsInt((Half)lower) | ((uint)Interop.FloatAsInt((Half)upper) << 16);
}
