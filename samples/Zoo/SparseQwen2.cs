using SparseInfer;

namespace Zoo;

/// <summary>SparseQwen2-7B: Qwen2-7B with dReLU in SiLU's place.</summary>
[DecoderModel(Hidden = 3584, Layers = 28, Vocabulary = 152064, Context = 32768)]
[Attention(Heads = 28, KeyValueHeads = 4, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true)]
[FeedForward(Intermediate = 18944, Activation = Activation.DRelu)]
[RmsNorm(Epsilon = 1e-6f)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class SparseQwen2;
