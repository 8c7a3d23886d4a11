using SparseInfer;

namespace Zoo;

/// <summary>Nemotron-Mini-4B, and Minitron-4B-Base: squared ReLU without a gate, half of each head rotated. GGUF files have the norms' weights plus 1.</summary>
[DecoderModel(Hidden = 3072, Layers = 32, Vocabulary = 256000, Context = 4096)]
[Attention(Heads = 24, KeyValueHeads = 8, RopeDimensions = 64, RopePairing = RopePairing.HalfSplit)]
[FeedForward(Intermediate = 9216, Activation = Activation.SquaredRelu, Gated = false)]
[LayerNorm(Epsilon = 1e-5f)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class NemotronMini;
