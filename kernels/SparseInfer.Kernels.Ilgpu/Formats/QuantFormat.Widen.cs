using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <content>Weights as floats, exact, or in types with a minimum rounded once.</content>
public abstract partial class QuantFormat<T>
{
    /// <summary>Columns 0 to 3.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen0(QuantBytes w, QuantScale scale) => LowerColumns(w.Lower.X, scale);

    /// <summary>Columns 4 to 7.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen1(QuantBytes w, QuantScale scale) => LowerColumns(w.Lower.Y, scale);

    /// <summary>Columns 8 to 11.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen2(QuantBytes w, QuantScale scale) => LowerColumns(w.Lower.Z, scale);

    /// <summary>Columns 12 to 15.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen3(QuantBytes w, QuantScale scale) => LowerColumns(w.Lower.W, scale);

    /// <summary>Columns 16 to 19.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen4(QuantBytes w, QuantScale scale) => UpperColumns(w.Upper.X, scale);

    /// <summary>Columns 20 to 23.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen5(QuantBytes w, QuantScale scale) => UpperColumns(w.Upper.Y, scale);

    /// <summary>Columns 24 to 27.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen6(QuantBytes w, QuantScale scale) => UpperColumns(w.Upper.Z, scale);

    /// <summary>Columns 28 to 31.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    public static Float4 Widen7(QuantBytes w, QuantScale scale) => UpperColumns(w.Upper.W, scale);

    /// <summary>The first four of eight columns.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    /// <param name="eight">Which eight.</param>
    public static Float4 WidenFirst(QuantBytes w, QuantScale scale, int eight) => (eight & 2) == 0
        ? LowerColumns((eight & 1) == 0 ? w.Lower.X : w.Lower.Z, scale)
        : UpperColumns((eight & 1) == 0 ? w.Upper.X : w.Upper.Z, scale);

    /// <summary>The other four.</summary>
    /// <param name="w">32 quants.</param>
    /// <param name="scale">What they are multiplied with.</param>
    /// <param name="eight">Which eight.</param>
    public static Float4 WidenSecond(QuantBytes w, QuantScale scale, int eight) => (eight & 2) == 0
        ? LowerColumns((eight & 1) == 0 ? w.Lower.Y : w.Lower.W, scale)
        : UpperColumns((eight & 1) == 0 ? w.Upper.Y : w.Upper.W, scale);

    /// <summary>Quants as they are, less what they have too much: of down, whose scales are the columns'.</summary>
    public static QuantScale One => new(1f, T.IsSplit ? 1f : 0f);

    /// <summary>Four columns' weights of one neuron of down.</summary>
    /// <param name="quants">The neuron's quants, less what they have too much.</param>
    /// <param name="scale">The columns' scales.</param>
    /// <param name="minimum">What is taken off.</param>
    public static Float4 WidenDown(Float4 quants, Float4 scale, Float4 minimum) => new(
        (quants.X * scale.X) - minimum.X,
        (quants.Y * scale.Y) - minimum.Y,
        (quants.Z * scale.Z) - minimum.Z,
        (quants.W * scale.W) - minimum.W);

    private static Float4 LowerColumns(uint word, QuantScale scale) => Columns(word, scale.First, scale.Second);

    private static Float4 UpperColumns(uint word, QuantScale scale) => Columns(word, T.IsSplit ? scale.Second : scale.First, scale.Second);

    private static Float4 Columns(uint word, float scale, float minimum) => new(
        Weight(word & 0xff, scale, minimum),
        Weight((word >> 8) & 0xff, scale, minimum),
        Weight((word >> 16) & 0xff, scale, minimum),
        Weight(word >> 24, scale, minimum));

    private static float Weight(uint quant, float scale, float minimum)
    {
        float weight = scale * (Interop.IntAsFloat(Exponent | quant) - (Bias + T.Excess));
        return T.HasMinimum ? weight - minimum : weight;
    }
}
