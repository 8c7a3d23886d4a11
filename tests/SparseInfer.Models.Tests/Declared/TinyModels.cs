using SparseInfer;

namespace Models;

/// <summary>A model so small that thousands of damaged files of it can be loaded: all weight types, a width that is no multiple of a vector's.</summary>
[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 272, Context = 16)]
[Attention(Heads = 2, KeyValueHeads = 1, RopeTheta = 10000)]
[FeedForward(Intermediate = 96, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.05f)]
[Weights(WeightType.F16, WeightType.Q8_0, WeightType.Q4_0, WeightType.BF16, WeightType.F32)]
public sealed partial class Tiny;
