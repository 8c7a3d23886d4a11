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

    /// <summary>Steps of an input's largest element, and of an activation: 16 bits.</summary>
    public const float Range = 32767;

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

    /// <summary>
    /// <c>sum + w · x</c> over 16 columns, whose input is in steps of its block's largest, 16 bits each: an exact sum of integers, then scaled.
    /// </summary>
    /// <param name="w">16 quants of one block.</param>
    /// <param name="scale">The block's scale, a half's bits.</param>
    /// <param name="high">The input's upper bytes, signed.</param>
    /// <param name="low">Its lower bytes, unsigned.</param>
    /// <param name="step">The input's step.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Words4 w, ushort scale, Words4 high, Words4 low, BlockStep step, float sum) =>
        sum + (F16.Widen(scale) * step.Step * ((Bytes.Dot(w, high, 0) * 256) + Bytes.DotUnsigned(low, w, 0)));

    /// <summary>One token's sums with four rows, each with the products of 16 columns added to it as one row's are.</summary>
    /// <param name="w">The rows' quants and scales.</param>
    /// <param name="high">The input's upper bytes, signed.</param>
    /// <param name="low">Its lower bytes, unsigned.</param>
    /// <param name="step">The input's step.</param>
    /// <param name="sums">What is added to: a sum for each row.</param>
    public static Float4 Dot(FourBlocks w, Words4 high, Words4 low, BlockStep step, Float4 sums) => new(
        Dot(w.A, w.ScaleA, high, low, step, sums.X),
        Dot(w.B, w.ScaleB, high, low, step, sums.Y),
        Dot(w.C, w.ScaleC, high, low, step, sums.Z),
        Dot(w.D, w.ScaleD, high, low, step, sums.W));

    /// <summary><c>t += h quants</c> over 16 columns of four neurons: the down product of neurons that share their scales.</summary>
    /// <param name="a">16 quants of the first neuron.</param>
    /// <param name="b">The second's.</param>
    /// <param name="c">The third's.</param>
    /// <param name="d">The fourth's.</param>
    /// <param name="high">Upper bytes of the neurons' activations in steps, signed.</param>
    /// <param name="low">Their lower bytes, unsigned.</param>
    /// <param name="t0">Sums with upper bytes, columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="t2">Columns 8 to 11.</param>
    /// <param name="t3">Columns 12 to 15.</param>
    /// <param name="t4">Sums with lower bytes, columns 0 to 3.</param>
    /// <param name="t5">Columns 4 to 7.</param>
    /// <param name="t6">Columns 8 to 11.</param>
    /// <param name="t7">Columns 12 to 15.</param>
    public static void AddFour(
        Words4 a,
        Words4 b,
        Words4 c,
        Words4 d,
        uint high,
        uint low,
        ref Int4 t0,
        ref Int4 t1,
        ref Int4 t2,
        ref Int4 t3,
        ref Int4 t4,
        ref Int4 t5,
        ref Int4 t6,
        ref Int4 t7)
    {
        AddWords(a.X, b.X, c.X, d.X, high, low, ref t0, ref t4);
        AddWords(a.Y, b.Y, c.Y, d.Y, high, low, ref t1, ref t5);
        AddWords(a.Z, b.Z, c.Z, d.Z, high, low, ref t2, ref t6);
        AddWords(a.W, b.W, c.W, d.W, high, low, ref t3, ref t7);
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

    /// <summary><c>t += h quants</c> over four columns of four neurons that share their scales.</summary>
    /// <param name="columns">A column's quants of the four neurons in each word: <see cref="Bytes.Turn"/>.</param>
    /// <param name="high">Upper bytes of the neurons' activations in steps, signed.</param>
    /// <param name="low">Their lower bytes, unsigned.</param>
    /// <param name="upper">Sums with upper bytes.</param>
    /// <param name="lower">Sums with lower bytes.</param>
    public static void AddColumns(Words4 columns, uint high, uint low, ref Int4 upper, ref Int4 lower)
    {
        Add(columns.X, high, low, ref upper.X, ref lower.X);
        Add(columns.Y, high, low, ref upper.Y, ref lower.Y);
        Add(columns.Z, high, low, ref upper.Z, ref lower.Z);
        Add(columns.W, high, low, ref upper.W, ref lower.W);
    }

    private static void AddWords(uint a, uint b, uint c, uint d, uint high, uint low, ref Int4 upper, ref Int4 lower)
    {
        AddColumns(Bytes.Turn(a, b, c, d), high, low, ref upper, ref lower);
    }

    private static void Add(uint quants, uint high, uint low, ref int upper, ref int lower)
    {
        upper = Bytes.Dot(quants, high, upper);
        lower = Bytes.DotUnsigned(low, quants, lower);
    }

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
