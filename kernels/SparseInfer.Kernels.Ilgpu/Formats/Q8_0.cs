using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Quants of ggml's Q8_0: 16 columns in a <see cref="Words4"/>, signed bytes in order; <c>w = scale * quant</c>. The scales, one half a
/// block of 32 columns, lie apart.
/// </summary>
public static class Q8_0
{
    // A byte with its sign bit turned, in the mantissa of 2^23, is the float 2^23 + 128 + quant. Or and subtract run at full rate, a
    // conversion of integers at a quarter of it.
    private const uint Exponent = 0x4b000000;
    private const uint SignBits = 0x80808080;
    private const float Bias = 8388608 + 128;

    /// <summary><c>sum + w · x</c> over 16 columns.</summary>
    /// <param name="w">16 quants of one block.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    /// <param name="x0">The input's columns 0 to 3.</param>
    /// <param name="x1">Columns 4 to 7.</param>
    /// <param name="x2">Columns 8 to 11.</param>
    /// <param name="x3">Columns 12 to 15.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Words4 w, ushort scale, Float4 x0, Float4 x1, Float4 x2, Float4 x3, float sum)
    {
        float quants = Float4.Dot(Quants(w.X), x0, 0);
        quants = Float4.Dot(Quants(w.Y), x1, quants);
        quants = Float4.Dot(Quants(w.Z), x2, quants);
        quants = Float4.Dot(Quants(w.W), x3, quants);
        return sum + (F16.Widen(scale) * quants);
    }

    /// <summary><c>y += h w</c> over 16 columns of one block.</summary>
    /// <param name="w">16 quants of one block.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="y0">The output's columns 0 to 3.</param>
    /// <param name="y1">Columns 4 to 7.</param>
    /// <param name="y2">Columns 8 to 11.</param>
    /// <param name="y3">Columns 12 to 15.</param>
    public static void AddScaled(Words4 w, ushort scale, float h, ref Float4 y0, ref Float4 y1, ref Float4 y2, ref Float4 y3) =>
        AddQuants(w, F16.Widen(scale) * h, ref y0, ref y1, ref y2, ref y3);

    /// <summary>
    /// <c>t += h quants</c> over 16 columns: the down product of the neurons that share their scales (<see cref="BlockScales"/>).
    /// </summary>
    /// <param name="w">16 quants.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="t0">The sum's columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="t2">Columns 8 to 11.</param>
    /// <param name="t3">Columns 12 to 15.</param>
    public static void AddQuants(Words4 w, float h, ref Float4 t0, ref Float4 t1, ref Float4 t2, ref Float4 t3)
    {
        Float4.AddScaled(Quants(w.X), h, ref t0);
        Float4.AddScaled(Quants(w.Y), h, ref t1);
        Float4.AddScaled(Quants(w.Z), h, ref t2);
        Float4.AddScaled(Quants(w.W), h, ref t3);
    }

    /// <summary>Columns 0 to 3.</summary>
    /// <param name="w">16 quants.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 Widen0(Words4 w, ushort scale) => WidenWord(w.X, scale);

    /// <summary>Columns 4 to 7.</summary>
    /// <param name="w">16 quants.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 Widen1(Words4 w, ushort scale) => WidenWord(w.Y, scale);

    /// <summary>Columns 8 to 11.</summary>
    /// <param name="w">16 quants.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 Widen2(Words4 w, ushort scale) => WidenWord(w.Z, scale);

    /// <summary>Columns 12 to 15.</summary>
    /// <param name="w">16 quants.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 Widen3(Words4 w, ushort scale) => WidenWord(w.W, scale);

    /// <summary>Four columns of a word.</summary>
    /// <param name="word">Four quants.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    public static Float4 WidenWord(uint word, ushort scale)
    {
        Float4 quants = Quants(word);
        float factor = F16.Widen(scale);
        return new Float4(factor * quants.X, factor * quants.Y, factor * quants.Z, factor * quants.W);
    }

    private static Float4 Quants(uint word)
    {
        uint turned = word ^ SignBits;
        return new Float4(
            Quant(turned & 0xff),
            Quant((turned >> 8) & 0xff),
            Quant((turned >> 16) & 0xff),
            Quant(turned >> 24));
    }

    private static float Quant(uint turned) => Interop.IntAsFloat(Exponent | turned) - Bias;
}
