using SparseInfer.Cli.Compilation;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Synthetic;

/// <summary>A published model's shape, to be filled with weights that are not its own.</summary>
/// <param name="Declaration">What is declared; F16 and all layers, until the user says otherwise.</param>
/// <param name="Differs">What the published model has and the declaration cannot say; null: nothing.</param>
internal sealed record NamedShape(ModelDeclaration Declaration, string? Differs = null)
{
    /// <summary>Every shape, by the name that <c>--synthetic</c> takes. Sizes are those of the models' published configurations.</summary>
    public static IReadOnlyList<NamedShape> All { get; } =
    [
        new(new ModelDeclaration
        {
            Name = "llama-2-7b", Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096,
            Heads = 32, KeyValueHeads = 32, Intermediate = 11008, Activation = Activation.Relu,
        }, "ReLU in SiLU's place, as in ReluLLaMA-7B"),
        new(new ModelDeclaration
        {
            Name = "llama-2-13b", Hidden = 5120, Layers = 40, Vocabulary = 32000, Context = 4096,
            Heads = 40, KeyValueHeads = 40, Intermediate = 13824, Activation = Activation.Relu,
        }, "ReLU in SiLU's place, as in ReluLLaMA-13B"),
        new(new ModelDeclaration
        {
            Name = "turbosparse-mistral-7b", Hidden = 4096, Layers = 32, Vocabulary = 32064, Context = 32768,
            Heads = 32, KeyValueHeads = 8, Intermediate = 14336, Activation = Activation.DRelu,
        }),
        new(new ModelDeclaration
        {
            Name = "sparseqwen2-7b", Hidden = 3584, Layers = 28, Vocabulary = 152064, Context = 32768,
            Heads = 28, KeyValueHeads = 4, RopeTheta = 1000000f, RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true,
            Intermediate = 18944, Activation = Activation.DRelu, NormEpsilon = 1e-6f,
        }),
        new(new ModelDeclaration
        {
            Name = "minicpm-s-1b", Hidden = 1536, Layers = 52, Vocabulary = 73440, Context = 4096,
            Heads = 24, KeyValueHeads = 8, Intermediate = 3840, Activation = Activation.FatRelu, Threshold = 0.03f,
            TiedEmbedding = true, EmbeddingScale = 12f,
            Traits = [new("Scales", "Residual", 0.19414507f), new("Scales", "Logits", 0.16666667f)], // 1.4 / sqrt(52), 256 / 1536
        }),
        new(new ModelDeclaration
        {
            Name = "opt-6.7b", Hidden = 4096, Layers = 32, Vocabulary = 50272, Context = 2048,
            Heads = 32, KeyValueHeads = 32, QueryKeyValueBiases = true, OutputBias = true,
            Intermediate = 16384, Activation = Activation.Relu, Gated = false, FeedForwardBiases = true,
            LayerNorm = true, TiedEmbedding = true, UnrotatedLayers = new LayersText(null, 0), LearnedPositions = 2048, PositionOffset = 2,
        }),
        new(new ModelDeclaration
        {
            Name = "afm-4.5b", Hidden = 2560, Layers = 36, Vocabulary = 128004, Context = 65536,
            Heads = 20, KeyValueHeads = 4, HeadDimension = 128, Intermediate = 18432, Activation = Activation.SquaredRelu, Gated = false,
            FrequencyScaling = new YarnScaling(20, 4096, 32, 1, YarnScaling.UsualAttentionFactor(20)),
        }),
        new(new ModelDeclaration
        {
            Name = "jais-2-8b", Hidden = 3328, Layers = 32, Vocabulary = 150272, Context = 8192,
            Heads = 26, KeyValueHeads = 26, RopeTheta = 500000f, RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true, OutputBias = true,
            Intermediate = 26624, Activation = Activation.SquaredRelu, Gated = false, FeedForwardBiases = true, LayerNorm = true,
        }),
        new(new ModelDeclaration
        {
            Name = "nemotron-mini-4b", Hidden = 3072, Layers = 32, Vocabulary = 256000, Context = 4096,
            Heads = 24, KeyValueHeads = 8, HeadDimension = 128, RopeDimensions = 64, RopePairing = RopePairing.HalfSplit,
            Intermediate = 9216, Activation = Activation.SquaredRelu, Gated = false, LayerNorm = true,
        }),
        new(new ModelDeclaration
        {
            Name = "smallthinker-4b", Hidden = 1536, Layers = 32, Vocabulary = 151936, Context = 32768,
            Heads = 12, KeyValueHeads = 2, RopeTheta = 1000000f, RopePairing = RopePairing.HalfSplit,
            Intermediate = 768, Activation = Activation.Relu,
            Experts = 32, ActiveExperts = 4, Gating = ExpertGating.Sigmoid, Router = RouterInput.Layer,
            NormEpsilon = 1e-6f, TiedEmbedding = true,
        }),
        new(new ModelDeclaration
        {
            Name = "tinyllama-1.1b", Hidden = 2048, Layers = 22, Vocabulary = 32000, Context = 2048,
            Heads = 32, KeyValueHeads = 4, Intermediate = 5632, Activation = Activation.Relu,
        }, "ReLU in SiLU's place"),
    ];

    /// <summary>Finds a shape.</summary>
    /// <exception cref="CliException">There is none of that name; the message lists those there are.</exception>
    public static NamedShape Find(string name) =>
        All.FirstOrDefault(shape => shape.Declaration.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new CliException(
            $"--synthetic: there is no shape '{name}'; there is: {string.Join(", ", All.Select(shape => shape.Declaration.Name))}.");
}
