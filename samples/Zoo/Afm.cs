using SparseInfer;

namespace Zoo;

/// <summary>Arcee's AFM-4.5B: squared ReLU without a gate, stretched by YaRN.</summary>
[DecoderModel(Hidden = 2560, Layers = 36, Vocabulary = 128004, Context = 65536)]
[Attention(Heads = 20, KeyValueHeads = 4)]
[YarnScaling(Factor = 20, OriginalContext = 4096)]
[FeedForward(Intermediate = 18432, Activation = Activation.SquaredRelu, Gated = false)]
[RmsNorm(Epsilon = 1e-5f)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class Afm;
