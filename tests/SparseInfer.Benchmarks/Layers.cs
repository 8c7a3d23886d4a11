namespace SparseInfer.Benchmarks;

/// <summary>The layers that are measured: a feed-forward of TinyLlama's shape, once for each weight type.</summary>
public static partial class Layers
{
    public const int Hidden = 2048;

    public const int Intermediate = 5632;

    [FeedForward(Hidden = Hidden, Intermediate = Intermediate)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.F16)]
    public static partial FeedForwardKernel F16 { get; }

    [FeedForward(Hidden = Hidden, Intermediate = Intermediate)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q8_0)]
    public static partial FeedForwardKernel Q8 { get; }

    [FeedForward(Hidden = Hidden, Intermediate = Intermediate)]
    [SignBitPredictor(Alpha = 1.00f)]
    [Weights(WeightType.Q4_0)]
    public static partial FeedForwardKernel Q4 { get; }
}
