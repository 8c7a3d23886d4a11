using SparseInfer;

namespace Zoo;

/// <summary>Qwen3-0.6B: norms of query and key heads. Its SiLU has no zeros, so every mode is dense.</summary>
[DecoderModel(Hidden = 1024, Layers = 28, Vocabulary = 151936, Context = 40960)]
[Attention(Heads = 16, KeyValueHeads = 8, HeadDimension = 128, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit, QueryKeyNorms = true)]
[FeedForward(Intermediate = 3072, Activation = Activation.Silu)]
[RmsNorm(Epsilon = 1e-6f)]
[Embedding(Tied = true)]
[Weights(WeightType.F16, WeightType.BF16)]
public sealed partial class Qwen3;
