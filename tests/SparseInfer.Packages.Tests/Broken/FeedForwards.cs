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

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Gelu, Sparsity = 0.95f)] // SPI0054
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel GeluWithShare { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]
    [Weights(WeightType.F32)]
    [SignBitPredictor] // SPI0053
    public static partial FeedForwardKernel PredictedCut { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32, Role = WeightRole.FeedForward)] // SPI0056
    public static partial FeedForwardKernel WithRole { get; }
}

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 32, Context = 32)]
[Attention(Heads = 2)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Weights(WeightType.Q8_0)] // SPI0055
public sealed partial class WithTypesTwice;
