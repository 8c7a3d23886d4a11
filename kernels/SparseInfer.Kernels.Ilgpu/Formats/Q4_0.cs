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

    private const uint LowerBits = 0x0f0f0f0f;
    private const uint UpperBits = 0xf0f0f0f0;

    /// <summary>Steps of an input's largest element, and of an activation: signed bytes.</summary>
    public const float Range = 127;

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

    /// <summary><c>sum + w · x</c> over 32 columns, whose input is in steps of its largest: an exact sum of integers, then scaled.</summary>
    /// <param name="w">A block's quants.</param>
    /// <param name="scale">Its scale, a half's bits.</param>
    /// <param name="x0">The input's columns 0 to 15, signed bytes.</param>
    /// <param name="x1">Columns 16 to 31.</param>
    /// <param name="step">The input's step; sums start from -8 times the sum of its bytes.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Words4 w, ushort scale, Words4 x0, Words4 x1, BlockStep step, float sum)
    {
        // Upper four bits stay where they are: sixteen times what they count.
        int lower = Bytes.DotUnsigned(Masked(w, LowerBits), x0, step.Start);
        int upper = Bytes.DotUnsigned(Masked(w, UpperBits), x1, 0);
        return sum + (F16.Widen(scale) * step.Step * (lower + (upper >> 4)));
    }

    /// <summary>One token's sums with four rows, each with the products of 32 columns added to it as one row's are.</summary>
    /// <param name="w">The rows' quants and scales.</param>
    /// <param name="x0">The input's columns 0 to 15, signed bytes.</param>
    /// <param name="x1">Columns 16 to 31.</param>
    /// <param name="step">The input's step.</param>
    /// <param name="sums">What is added to: a sum for each row.</param>
    public static Float4 Dot(FourBlocks w, Words4 x0, Words4 x1, BlockStep step, Float4 sums) => new(
        Dot(w.A, w.ScaleA, x0, x1, step, sums.X),
        Dot(w.B, w.ScaleB, x0, x1, step, sums.Y),
        Dot(w.C, w.ScaleC, x0, x1, step, sums.Z),
        Dot(w.D, w.ScaleD, x0, x1, step, sums.W));

    /// <summary>
    /// <c>t += h quants</c> over 32 columns of four neurons: the down product of neurons that share their scales. Sums start from -8 times
    /// the sum of the activations, those of columns 16 to 31 from sixteen times that, for they count sixteenths.
    /// </summary>
    /// <param name="a">32 quants of the first neuron.</param>
    /// <param name="b">The second's.</param>
    /// <param name="c">The third's.</param>
    /// <param name="d">The fourth's.</param>
    /// <param name="h">The neurons' activations in steps, signed bytes.</param>
    /// <param name="t0">The sum's columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="t2">Columns 8 to 11.</param>
    /// <param name="t3">Columns 12 to 15.</param>
    /// <param name="t4">Columns 16 to 19.</param>
    /// <param name="t5">Columns 20 to 23.</param>
    /// <param name="t6">Columns 24 to 27.</param>
    /// <param name="t7">Columns 28 to 31.</param>
    public static void AddFour(
        Words4 a,
        Words4 b,
        Words4 c,
        Words4 d,
        uint h,
        ref Int4 t0,
        ref Int4 t1,
        ref Int4 t2,
        ref Int4 t3,
        ref Int4 t4,
        ref Int4 t5,
        ref Int4 t6,
        ref Int4 t7)
    {
        AddWords(a.X, b.X, c.X, d.X, h, ref t0, ref t4);
        AddWords(a.Y, b.Y, c.Y, d.Y, h, ref t1, ref t5);
        AddWords(a.Z, b.Z, c.Z, d.Z, h, ref t2, ref t6);
        AddWords(a.W, b.W, c.W, d.W, h, ref t3, ref t7);
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

    /// <summary>
    /// <c>t += h quants</c> over eight columns, i to i + 3 and i + 16 to i + 19, of four neurons that share their scales. Sums start as those of
    /// <see cref="AddFour"/> do.
    /// </summary>
    /// <param name="columns">A column's bytes of the four neurons in each word: <see cref="Bytes.Turn"/>.</param>
    /// <param name="h">The neurons' activations in steps, signed bytes.</param>
    /// <param name="lower">Sums of the columns in lower bits.</param>
    /// <param name="upper">Sums of those in upper bits.</param>
    public static void AddColumns(Words4 columns, uint h, ref Int4 lower, ref Int4 upper)
    {
        Add(columns.X, h, ref lower.X, ref upper.X);
        Add(columns.Y, h, ref lower.Y, ref upper.Y);
        Add(columns.Z, h, ref lower.Z, ref upper.Z);
        Add(columns.W, h, ref lower.W, ref upper.W);
    }

    private static Words4 Masked(Words4 w, uint mask) => new(w.X & mask, w.Y & mask, w.Z & mask, w.W & mask);

    private static void AddWords(uint a, uint b, uint c, uint d, uint h, ref Int4 lower, ref Int4 upper)
    {
        AddColumns(Bytes.Turn(a, b, c, d), h, ref lower, ref upper);
    }

    private static void Add(uint quants, uint h, ref int lower, ref int upper)
    {
        lower = Bytes.DotUnsigned(quants & LowerBits, h, lower);
        upper = Bytes.DotUnsigned(quants & UpperBits, h, upper);
    }

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
