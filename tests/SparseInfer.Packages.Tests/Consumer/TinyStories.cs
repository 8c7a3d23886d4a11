using SparseInfer;

namespace Consumer;

/// <summary>A whole model: stories260K.</summary>
[DecoderModel(Hidden = 64, Layers = 5, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 172, Activation = Activation.Silu)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[Dense]
[Weights(WeightType.F32)]
public sealed partial class TinyStories;
