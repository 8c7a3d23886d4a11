using SparseInfer;

namespace Stories;

/// <summary>The bundled model (model/CARD.md): six layers with ReLU gated feed-forwards, trained on children's stories.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.00f, Layers = "0")]
[ExactSparsity(Layers = "1..4")]
[SignBitPredictor(Alpha = 1.00f, Layers = "5")]
[Weights(WeightType.F16)]
public sealed partial class StoriesRelu;
