using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Quants of ggml's Q4_0: a block of 32 columns in a <see cref="Words4"/>; byte i holds column i in its lower and column i + 16 in its
/// upper four bits; <c>w = scale * (quant - 8)</c>. The scales, one half a block, lie apart.
/// </summary>
public static class Q4_0
{
    // Four bits in the mantissa of 2^23 are the float 2^23 + quant: see Q8_0.
    private const uint Exponent = 0x4b000000;
    private const float Bias = 8388608 + 8;

    /// <summary><c>sum + w · x</c> over 32 columns.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    /// <param name="x0">The input's columns 0 to 3.</param>
    /// <param name="x1">Columns 4 to 7.</param>
    /// <param name="x2">Columns 8 to 11.</param>
    /// <param name="x3">Columns 12 to 15.</param>
    /// <param name="x4">Columns 16 to 19.</param>
    /// <param name="x5">Columns 20 to 23.</param>
    /// <param name="x6">Columns 24 to 27.</param>
    /// <param name="x7">Columns 28 to 31.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(
        Words4 w,
        ushort scale,
        Float4 x0,
        Float4 x1,
        Float4 x2,
        Float4 x3,
        Float4 x4,
        Float4 x5,
        Float4 x6,
        Float4 x7,
        float sum)
    {
        float quants = Float4.Dot(LowerQuants(w.X), x0, 0);
        quants = Float4.Dot(LowerQuants(w.Y), x1, quants);
        quants = Float4.Dot(LowerQuants(w.Z), x2, quants);
        quants = Float4.Dot(LowerQuants(w.W), x3, quants);
        quants = Float4.Dot(UpperQuants(w.X), x4, quants);
        quants = Float4.Dot(UpperQuants(w.Y), x5, quants);
        quants = Float4.Dot(UpperQuants(w.Z), x6, quants);
        quants = Float4.Dot(UpperQuants(w.W), x7, quants);
        return sum + (F16.Widen(scale) * quants);
    }

    /// <summary><c>y += h w</c> over 32 columns.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="y0">The output's columns 0 to 3.</param>
    /// <param name="y1">Columns 4 to 7.</param>
    /// <param name="y2">Columns 8 to 11.</param>
    /// <param name="y3">Columns 12 to 15.</param>
    /// <param name="y4">Columns 16 to 19.</param>
    /// <param name="y5">Columns 20 to 23.</param>
    /// <param name="y6">Columns 24 to 27.</param>
    /// <param name="y7">Columns 28 to 31.</param>
    public static void AddScaled(
        Words4 w,
        ushort scale,
        float h,
        ref Float4 y0,
        ref Float4 y1,
        ref Float4 y2,
        ref Float4 y3,
        ref Float4 y4,
        ref Float4 y5,
        ref Float4 y6,
        ref Float4 y7) => AddQuants(w, F16.Widen(scale) * h, ref y0, ref y1, ref y2, ref y3, ref y4, ref y5, ref y6, ref y7);

    /// <summary>
    /// <c>t += h (quants - 8)</c> over 32 columns: the down product of the neurons that share their scales (<see cref="BlockScales"/>).
    /// </summary>
    /// <param name="w">32 quants.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="t0">The sum's columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="t2">Columns 8 to 11.</param>
    /// <param name="t3">Columns 12 to 15.</param>
    /// <param name="t4">Columns 16 to 19.</param>
    /// <param name="t5">Columns 20 to 23.</param>
    /// <param name="t6">Columns 24 to 27.</param>
    /// <param name="t7">Columns 28 to 31.</param>
    public static void AddQuants(
        Words4 w,
        float h,
        ref Float4 t0,
        ref Float4 t1,
        ref Float4 t2,
        ref Float4 t3,
        ref Float4 t4,
        ref Float4 t5,
        ref Float4 t6,
        ref Float4 t7)
    {
        Float4.AddScaled(LowerQuants(w.X), h, ref t0);
        Float4.AddScaled(LowerQuants(w.Y), h, ref t1);
        Float4.AddScaled(LowerQuants(w.Z), h, ref t2);
        Float4.AddScaled(LowerQuants(w.W), h, ref t3);
        Float4.AddScaled(UpperQuants(w.X), h, ref t4);
        Float4.AddScaled(UpperQuants(w.Y), h, ref t5);
        Float4.AddScaled(UpperQuants(w.Z), h, ref t6);
        Float4.AddScaled(UpperQuants(w.W), h, ref t7);
    }

    /// <summary>Columns 0 to 3.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen0(Words4 w, ushort scale) => Scaled(LowerQuants(w.X), scale);

    /// <summary>Columns 4 to 7.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen1(Words4 w, ushort scale) => Scaled(LowerQuants(w.Y), scale);

    /// <summary>Columns 8 to 11.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen2(Words4 w, ushort scale) => Scaled(LowerQuants(w.Z), scale);

    /// <summary>Columns 12 to 15.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen3(Words4 w, ushort scale) => Scaled(LowerQuants(w.W), scale);

    /// <summary>Columns 16 to 19.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen4(Words4 w, ushort scale) => Scaled(UpperQuants(w.X), scale);

    /// <summary>Columns 20 to 23.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen5(Words4 w, ushort scale) => Scaled(UpperQuants(w.Y), scale);

    /// <summary>Columns 24 to 27.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen6(Words4 w, ushort scale) => Scaled(UpperQuants(w.Z), scale);

    /// <summary>Columns 28 to 31.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    public static Float4 Widen7(Words4 w, ushort scale) => Scaled(UpperQuants(w.W), scale);

    /// <summary>Four columns whose quants are the lower four bits of a word's bytes, whatever the upper ones are.</summary>
    /// <param name="word">The word; shifted right by four for the columns 16 further on.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 WidenWord(uint word, ushort scale) => Scaled(LowerQuants(word), scale);

    private static Float4 Scaled(Float4 quants, ushort scale)
    {
        float factor = F16.Widen(scale);
        return new Float4(factor * quants.X, factor * quants.Y, factor * quants.Z, factor * quants.W);
    }

    private static Float4 LowerQuants(uint word) =>
        new(Quant(word & 15), Quant((word >> 8) & 15), Quant((word >> 16) & 15), Quant((word >> 24) & 15));

    private static Float4 UpperQuants(uint word) =>
        new(Quant((word >> 4) & 15), Quant((word >> 12) & 15), Quant((word >> 20) & 15), Quant(word >> 28));

    private static float Quant(uint bits) => Interop.IntAsFloat(Exponent | bits) - Bias;
}
