using SparseInfer;

namespace Models;

/// <summary>stories260K in the type its file has: SiLU, and a width of 172 neurons that is no multiple of a vector's.</summary>
[DecoderModel(Hidden = 64, Layers = 5, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 172, Activation = Activation.Silu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[Dense]
[Weights(WeightType.F32)]
public sealed partial class Stories260KF32;

/// <summary>stories260K narrowed when it is loaded, with the policy for activations that are never zero.</summary>
[DecoderModel(Hidden = 64, Layers = 5, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 172, Activation = Activation.Silu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[ActivationThreshold(Threshold = 0.05f)]
[Weights(WeightType.F16)]
public sealed partial class Stories260KF16;
