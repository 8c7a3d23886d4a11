namespace SparseInfer.Benchmarks;

/// <summary>
/// Declarations in the sizes of published models: no two have the same shape of feed-forward and types, so none shares its kernels with
/// another.
/// </summary>
internal static class DeclaredModels
{
    /// <summary>The declarations; of the first, <see cref="Alpha"/> is edited.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        """
        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 32, RopeTheta = 10000)]
        [FeedForward(Intermediate = 11008, Activation = Activation.FatRelu, Threshold = 0.01f)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.03f, Layers = "0..19")]
        [SignBitPredictor(Alpha = 1.00f, Layers = "20..")]
        [Weights(WeightType.F16)]
        public sealed partial class ProSparseLlama7B;
        """,
        """
        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 32768)]
        [Attention(Heads = 32, KeyValueHeads = 8, RopeTheta = 10000)]
        [FeedForward(Intermediate = 14336, Activation = Activation.Silu)]
        [RmsNorm(Epsilon = 1e-5f)]
        [ActivationThreshold(Threshold = 0.12f)]
        [Weights(WeightType.Q8_0)]
        public sealed partial class Mistral7B;
        """,
        """
        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 8, RopeTheta = 10000)]
        [FeedForward(Intermediate = 14336, Activation = Activation.DRelu)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.02f)]
        [Weights(WeightType.Q4_0)]
        public sealed partial class Bamboo7B;
        """,
        """
        [DecoderModel(Hidden = 3584, Layers = 28, Vocabulary = 152064, Context = 32768)]
        [Attention(Heads = 28, KeyValueHeads = 4, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true)]
        [FeedForward(Intermediate = 18944, Activation = Activation.Silu)]
        [RmsNorm(Epsilon = 1e-6f)]
        [Weights(WeightType.BF16)]
        public sealed partial class Qwen7B;
        """,
        """
        [DecoderModel(Hidden = 3072, Layers = 28, Vocabulary = 256000, Context = 8192)]
        [Attention(Heads = 16, HeadDimension = 256, RopeTheta = 10000, RopePairing = RopePairing.HalfSplit)]
        [FeedForward(Intermediate = 24576, Activation = Activation.Gelu)]
        [RmsNorm(Epsilon = 1e-6f)]
        [Embedding(Tied = true, Scale = 55.425625f)]
        [ActivationThreshold(Threshold = 0.05f, Layers = "4..")]
        [Dense(Layers = "..3")]
        [Weights(WeightType.F16, WeightType.Q8_0)]
        public sealed partial class Gemma7B;
        """,
        """
        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 256000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 8, RopeTheta = 10000, RopeDimensions = 64, RopePairing = RopePairing.HalfSplit)]
        [FeedForward(Intermediate = 16384, Activation = Activation.SquaredRelu, Gated = false)]
        [LayerNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.01f)]
        [Weights(WeightType.BF16)]
        public sealed partial class Nemotron8B;
        """,
        """
        [DecoderModel(Hidden = 4608, Layers = 32, Vocabulary = 49152, Context = 16384)]
        [Attention(
            Heads = 36, KeyValueHeads = 4, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit,
            QueryKeyValueBiases = true, OutputBias = true)]
        [FeedForward(Intermediate = 18432, Activation = Activation.Gelu, Gated = false, Biases = true)]
        [LayerNorm(Epsilon = 1e-5f)]
        [Weights(WeightType.F16)]
        public sealed partial class StarCoder7B;
        """,
        """
        [DecoderModel(Hidden = 2560, Layers = 36, Vocabulary = 128004, Context = 4096)]
        [Attention(Heads = 20, KeyValueHeads = 4, HeadDimension = 128, RopeTheta = 10000)]
        [FeedForward(Intermediate = 18432, Activation = Activation.SquaredRelu, Gated = false)]
        [RmsNorm(Epsilon = 1e-5f)]
        [ExactSparsity]
        [Weights(WeightType.Q8_0)]
        public sealed partial class Arcee4B;
        """,
        """
        [DecoderModel(Hidden = 5120, Layers = 40, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 40, RopeTheta = 10000)]
        [FeedForward(Intermediate = 13824, Activation = Activation.Relu)]
        [RmsNorm(Epsilon = 1e-5f)]
        [ExactSparsity(Layers = "0..4")]
        [SignBitPredictor(Alpha = 1.04f, Layers = "5..")]
        [Weights(WeightType.Q4_0, WeightType.Q8_0)]
        public sealed partial class ReluLlama13B;
        """,
        """
        [DecoderModel(Hidden = 2048, Layers = 22, Vocabulary = 32000, Context = 2048)]
        [Attention(Heads = 32, KeyValueHeads = 4, RopeTheta = 10000)]
        [FeedForward(Intermediate = 5632, Activation = Activation.Relu)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.02f)]
        [Weights(WeightType.F32)]
        public sealed partial class TinyLlama1B;
        """,
    ];

    /// <summary>The first declaration's alpha, before and after an edit.</summary>
    public static (string Before, string After) Alpha { get; } = ("1.03f", "1.05f");
}
