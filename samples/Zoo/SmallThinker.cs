using SparseInfer;

namespace Zoo;

/// <summary>SmallThinker-4BA0.6B: 32 experts with ReLU, of which a router that reads the layer's raw input chooses 4.</summary>
[DecoderModel(Hidden = 1536, Layers = 32, Vocabulary = 151936, Context = 32768)]
[Attention(Heads = 12, KeyValueHeads = 2, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit)]
[FeedForward(Intermediate = 768, Activation = Activation.Relu)]
[Experts(Count = 32, Active = 4, Gating = ExpertGating.Sigmoid, Router = RouterInput.Layer)]
[RmsNorm(Epsilon = 1e-6f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class SmallThinker;
