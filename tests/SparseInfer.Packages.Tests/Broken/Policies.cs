using SparseInfer;

namespace Broken;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Dense(Layers = "all")] // SPI0022
public sealed partial class WithOddRange;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Dense(Layers = "0..31")] // SPI0023
public sealed partial class WithLongRange;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Dense]
[ExactSparsity] // SPI0024
public sealed partial class WithTwoPolicies;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[Dense(Layers = "1..")] // SPI0025
public sealed partial class WithGap;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[InputThreshold(Heads = -0.1f)] // SPI0062
public sealed partial class WithNegativeInputThreshold;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[InputThreshold] // SPI0063
public sealed partial class WithoutInputThreshold;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[InputThreshold(FeedForward = 0.1f)] // SPI0064
public sealed partial class WithInputThresholdOfSomeNeurons;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[InputThreshold(Heads = 0.1f, OutputCentre = 0.1f)] // SPI0081
public sealed partial class WithCentreOfNothing;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[LowRankPredictor(Rank = 8)] // SPI0057
public sealed partial class WithInputUnknown;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Threshold = float.NaN)] // SPI0058
public sealed partial class WithThresholdThatIsNone;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[VocabularyPredictor(Rank = 40)] // SPI0070
public sealed partial class WithRankThatSparesNothing;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[VocabularyPredictor(Rank = 8, Threshold = float.NaN)] // SPI0071
public sealed partial class WithThresholdOfWordsThatIsNone;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Keep = 20)] // SPI0072
public sealed partial class WithMoreThanAll;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F32)]
[HeadSparsity(Keep = 2)] // SPI0077
public sealed partial class WithTooManyHeadsKept;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, KeyValueHeads = 1)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F32)]
[HeadSparsity(Keep = 0.5f)] // SPI0078
public sealed partial class WithOneGroupOfHeads;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F32)]
[HeadSparsity(Keep = 0.5f, Bias = true)] // SPI0079
public sealed partial class WithBiasOfNoRouter;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[PromptNeurons(Keep = 50)] // SPI0076
public sealed partial class WithKeepInPercent;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[LowRankPredictor(Rank = 8, Input = PredictorInput.Normed, Lookahead = 1)] // SPI0080
public sealed partial class WithNoLayerBefore;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[TruncatedSvdPredictor(Rank = 65)] // SPI0073
public sealed partial class WithMoreSingularValuesThanThereAre;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[TruncatedSvdPredictor(Rank = 8, Threshold = float.PositiveInfinity)] // SPI0074
public sealed partial class WithThresholdThatSkipsAll;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96, Activation = Activation.Silu)]
[RmsNorm]
[Weights(WeightType.F16)]
[ActivationThreshold(PerNeuron = true, Threshold = 0.1f)] // SPI0075
public sealed partial class WithThresholdsTwice;

public static partial class Policies
{
    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [Dense(Layers = "0")] // SPI0026
    public static partial FeedForwardKernel WithLayers { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [Dense]
    [ExactSparsity] // SPI0027
    public static partial FeedForwardKernel WithTwo { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [SignBitPredictor(Alpha = -1.01f)] // SPI0028
    public static partial FeedForwardKernel WithNegativeAlpha { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [SignBitPredictor] // SPI0029
    public static partial FeedForwardKernel PredictedWithoutZeros { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [ExactSparsity] // SPI0030
    public static partial FeedForwardKernel ExactWithoutZeros { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [ActivationThreshold(Threshold = -1)] // SPI0031
    public static partial FeedForwardKernel WithNegativeThreshold { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [ActivationThreshold(Threshold = 0.1f)] // SPI0032
    public static partial FeedForwardKernel ThresholdOnZeros { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [SignBitPredictor(Alpha = 98)] // SPI0036
    public static partial FeedForwardKernel WithAlphaInPercent { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [ActivationThreshold(Threshold = 1e30f)] // SPI0037
    public static partial FeedForwardKernel WithHugeThreshold { get; }

    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    [SignMagnitudePredictor(Beta = 102)] // SPI0059
    public static partial FeedForwardKernel WithBetaInPercent { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [SignMagnitudePredictor] // SPI0060
    public static partial FeedForwardKernel VotesWithoutZeros { get; }

    [FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Silu)]
    [Weights(WeightType.F32)]
    [ActivationThreshold(Threshold = 0.1f, OutlierWeight = 20)] // SPI0061
    public static partial FeedForwardKernel OutliersWithoutVotes { get; }
}
