using SparseInfer;

namespace Models;

/// <summary>The sign-bit predictor at alpha 1.00 in every layer.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.00f)]
[Weights(WeightType.F16)]
public sealed partial class ReluAlpha100;

/// <summary>The sign-bit predictor at alpha 1.05 in every layer.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.05f)]
[Weights(WeightType.F16)]
public sealed partial class ReluAlpha105;

/// <summary>The sign-bit predictor at alpha 1.30 in every layer.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.30f)]
[Weights(WeightType.F16)]
public sealed partial class ReluAlpha130;
