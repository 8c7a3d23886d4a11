using SparseInfer;

namespace Broken;

[DecoderModel(Hidden = 64, Layers = 0, Vocabulary = 100, Context = 64)] // SPI0009
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithoutLayers;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = int.MaxValue)] // SPI0010
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class TooLarge;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, KeyValueHeads = 3)] // SPI0011
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithOddKeyValueHeads;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 3)] // SPI0012
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithOddHeads;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, RopeDimensions = 7)] // SPI0013
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithOddRopeDimensions;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, RopeTheta = float.NaN)] // SPI0014
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithoutRopeTheta;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Hidden = 64, Intermediate = 96)] // SPI0018
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithHiddenTwice;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm(Epsilon = 1e5f)] // SPI0038
[Weights(WeightType.F16)]
public sealed partial class WithLargeEpsilon;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Target("orin-agx")] // SPI0034
public sealed partial class WithUnknownTarget;

[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = 512, Context = 524288)]
[Attention(Heads = 8)]
[FeedForward(Intermediate = 704)]
[RmsNorm]
[Weights(WeightType.F16)]
[Target("orin-nano-4")] // SPI0035
public sealed partial class WithSmallTarget;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[Experts(Count = 8, Active = 9)] // SPI0051
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithTooManyActiveExperts;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96, Biases = true)] // SPI0052
[Experts(Count = 8, Active = 2)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithBiasedExperts;

public static partial class LayersOfTheWrongSize
{
    [FeedForward(Hidden = 64, Intermediate = 0)] // SPI0009
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel WithoutNeurons { get; }

    [FeedForward(Hidden = 65, Intermediate = 96)]
    [Weights(WeightType.Q4_0)] // SPI0020
    public static partial FeedForwardKernel WithOddRows { get; }
}

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Scales(Residual = 0)] // SPI0047
[Weights(WeightType.F16)]
public sealed partial class WithoutResidualScale;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[ParallelAttention(Norms = 3)] // SPI0048
[Weights(WeightType.F16)]
public sealed partial class WithThreeNorms;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[LayerNorm]
[SubNorms] // SPI0049
[Weights(WeightType.F16)]
public sealed partial class WithSubNormsOfAnotherKind;
