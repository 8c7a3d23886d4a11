using SparseInfer;

namespace Stories;

/// <summary>
/// The same model with the paper's policy as it stands: the sign-bit predictor in every layer, with one alpha. Set against
/// <see cref="StoriesRelu"/>, whose policy was chosen layer by layer, it shows why alpha belongs to the layer.
/// </summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.00f)]
[Weights(WeightType.F16)]
public sealed partial class StoriesUniform;
