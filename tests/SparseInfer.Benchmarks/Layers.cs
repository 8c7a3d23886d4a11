namespace SparseInfer.Benchmarks;

/// <summary>
/// The layers that are measured: the feed-forwards of a 1.1B llama (2048 x 5632) and of a 7B one (4096 x 11008), and those of models that stay in the
/// caches: of the bundled one (256 x 1024), of one of 15 million weights (288 x 768) and of one of a quarter of a million (64 x 192). Each for three
/// weight types.
/// </summary>
public static partial class Layers
{
    [FeedForward(Hidden = 64, Intermediate = 192)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel Wide64F16 { get; }

    [FeedForward(Hidden = 64, Intermediate = 192)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel Wide64Q8 { get; }

    [FeedForward(Hidden = 64, Intermediate = 192)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel Wide64Q4 { get; }

    [FeedForward(Hidden = 256, Intermediate = 1024)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel Wide256F16 { get; }

    [FeedForward(Hidden = 256, Intermediate = 1024)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel Wide256Q8 { get; }

    [FeedForward(Hidden = 256, Intermediate = 1024)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel Wide256Q4 { get; }

    [FeedForward(Hidden = 288, Intermediate = 768)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel Wide288F16 { get; }

    [FeedForward(Hidden = 288, Intermediate = 768)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel Wide288Q8 { get; }

    [FeedForward(Hidden = 288, Intermediate = 768)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel Wide288Q4 { get; }

    [FeedForward(Hidden = 2048, Intermediate = 5632)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel SmallF16 { get; }

    [FeedForward(Hidden = 2048, Intermediate = 5632)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel SmallQ8 { get; }

    [FeedForward(Hidden = 2048, Intermediate = 5632)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel SmallQ4 { get; }

    [FeedForward(Hidden = 4096, Intermediate = 11008)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel LargeF16 { get; }

    [FeedForward(Hidden = 4096, Intermediate = 11008)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel LargeQ8 { get; }

    [FeedForward(Hidden = 4096, Intermediate = 11008)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel LargeQ4 { get; }

    /// <summary>The declared layer, still without weights.</summary>
    /// <param name="hidden">2048 or 4096.</param>
    /// <param name="type">F16, Q8_0 or Q4_0.</param>
    internal static FeedForwardKernel New(int hidden, WeightType type)
    {
        FeedForwardKernel declared = (hidden, type) switch
        {
            (2048, WeightType.F16) => SmallF16,
            (2048, WeightType.Q8_0) => SmallQ8,
            (2048, WeightType.Q4_0) => SmallQ4,
            (4096, WeightType.F16) => LargeF16,
            (4096, WeightType.Q8_0) => LargeQ8,
            (4096, WeightType.Q4_0) => LargeQ4,
            _ => throw new ArgumentOutOfRangeException(nameof(hidden), $"No layer of width {hidden} in {type} is declared."),
        };
        return declared.New();
    }
}
