using SparseInfer;

namespace Zoo;

/// <summary>Jais-2-8B: squared ReLU without a gate, LayerNorm, biases everywhere.</summary>
[DecoderModel(Hidden = 3328, Layers = 32, Vocabulary = 150272, Context = 8192)]
[Attention(Heads = 26, RopeTheta = 500000, RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true, OutputBias = true)]
[FeedForward(Intermediate = 26624, Activation = Activation.SquaredRelu, Gated = false, Biases = true)]
[LayerNorm(Epsilon = 1e-5f)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class Jais2;
