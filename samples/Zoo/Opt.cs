using SparseInfer;

namespace Zoo;

/// <summary>OPT-6.7B: ReLU without a gate, LayerNorm, biases everywhere, learned positions. There are no GGUF files of it: give a folder with safetensors.</summary>
[DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 50272, Context = 2048)]
[Attention(Heads = 32, QueryKeyValueBiases = true, OutputBias = true)]
[NoRope]
[FeedForward(Intermediate = 16384, Activation = Activation.Relu, Gated = false, Biases = true)]
[LayerNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true, LearnedPositions = 2048, PositionOffset = 2)]
[SignBitPredictor(Alpha = 1f)]
[Weights(WeightType.F16)]
public sealed partial class Opt;
