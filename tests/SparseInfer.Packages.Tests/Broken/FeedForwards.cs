using SparseInfer;

namespace Broken;

public static partial class FeedForwards
{
    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.DRelu, Gated = false)] // SPI0015
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel DReluWithoutGate { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Threshold = 0.01f)] // SPI0016
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel ReluWithThreshold { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.FatRelu)] // SPI0017
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel FatReluWithoutThreshold { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights] // SPI0019
    public static partial FeedForwardKernel WithoutTypes { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = (Activation)77)] // SPI0021
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel WithoutActivation { get; }
}
