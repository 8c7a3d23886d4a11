namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// Writes rows of one weight type straight into their final bytes, in ggml's layout. No weight is zero and none, nor any block's scale, is
/// subnormal: what kernels do does not depend on the values, and it shall stay so.
/// </summary>
internal abstract class WeightWriter
{
    /// <summary>How much larger the columns are that speak against the prediction.</summary>
    public const int LargeRatio = 6;

    /// <summary>About the magnitude of a small weight of a gate row.</summary>
    public const float Small = 1f / 128;

    /// <summary>The exponent of an embedding's elements: so large that what layers add to the residual stream turns no sign.</summary>
    private const int EmbeddingExponent = 12;

    /// <summary>Magnitudes of gate weights, the small ones first.</summary>
    protected static readonly float[] Magnitudes =
        [.. new[] { 1, LargeRatio }.SelectMany(ratio => new[] { 0.88f, 0.96f, 1.04f, 1.12f }.Select(m => m * ratio * Small))];

    /// <summary>A type each, in the vocabulary's order.</summary>
    private static readonly WeightWriter[] All =
    [
        new F32Writer(),
        new HalfWriter(exponentOfOne: 15, mantissaBits: 10),
        new HalfWriter(exponentOfOne: 127, mantissaBits: 7),
        new Q8_0Writer(),
        new Q4_0Writer(),
        new Q5_0Writer(),
        new Q5_1Writer(),
        new Q4_KWriter(),
        new Q5_KWriter(),
        new Q6_KWriter(),
    ];

    /// <summary>The writer of a type.</summary>
    public static WeightWriter For(WeightType type) =>
        (uint)type < All.Length ? All[(int)type] : throw new ArgumentOutOfRangeException(nameof(type), type, null);

    /// <summary>Bytes of a row.</summary>
    public abstract long RowBytes(int columns);

    /// <summary>Fills a row with weights of magnitudes about 1/128, of either sign.</summary>
    public abstract void Random(Span<byte> row, ref SplitMix64 random);

    /// <summary>
    /// Fills 32 neurons of a neuron-major down matrix: plain types row after row; block types scales first, then rows of quants.
    /// </summary>
    public virtual void RandomDown(Span<byte> block, int columns, ref SplitMix64 random) => Random(block, ref random);

    /// <summary>Writes 16 columns of a gate row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="run">Which 16 columns.</param>
    /// <param name="signs">A bit a column; set: negative.</param>
    /// <param name="large">A bit a column; set: <see cref="LargeRatio"/> times larger.</param>
    /// <param name="random">Two bits a column, that vary the magnitudes by an eighth.</param>
    public abstract void Gate(Span<byte> row, int run, int signs, int large, uint random);

    /// <summary>Writes 16 columns of an embedding: magnitudes from 1 to 1.5 times a power of two.</summary>
    /// <param name="row">The row.</param>
    /// <param name="run">Which 16 columns.</param>
    /// <param name="signs">A bit a column; set: negative.</param>
    /// <param name="exponent">The power.</param>
    /// <param name="random">Vary the magnitudes.</param>
    public abstract void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random);

    /// <summary>The exponent for a model that multiplies its embeddings by a factor.</summary>
    public static int ExponentFor(float embeddingScale) => EmbeddingExponent - Math.Max(0, (int)MathF.Ceiling(MathF.Log2(embeddingScale)));

    /// <summary>Index of a column's magnitude.</summary>
    protected static int Code(int large, uint random, int column) => (((large >> column) & 1) << 2) | (int)((random >> (2 * column)) & 3);

    /// <summary>The bits of a half that is a power of two.</summary>
    protected static ushort HalfOf(int exponent) => BitConverter.HalfToUInt16Bits((Half)MathF.ScaleB(1f, exponent));
}
