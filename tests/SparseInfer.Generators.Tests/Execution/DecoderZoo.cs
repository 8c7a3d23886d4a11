using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Decoders that between them use everything that can be declared, in every place that a class can stand.</summary>
internal static class DecoderZoo
{
    public static IReadOnlyList<DecoderCase> All { get; } =
    [
        new("Plain")
        {
            Tied = true,
            Alphas = [1m, null, 1.1m],
            Place = ("namespace Zoo.Plains;\n", "public sealed", "", "Zoo.Plains.Plain"),
        },
        new("Biased")
        {
            LayerNorm = true,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            FrequencyFactors = [1, 1, 1.5f, 2, 3, 4, 8, 8],
            Activation = Activation.Silu,
            Weights = [WeightType.F16],
            Place = ("", "internal", "", ""),
        },
        new("HalfSplitOdd")
        {
            Hidden = 60,
            Heads = 5,
            KeyValueHeads = 5,
            DeclaredRopeDimensions = 6,
            Pairing = RopePairing.HalfSplit,
            RopeScaling = 4,
            RopeTheta = 500,
            Intermediate = 77,
            QueryKeyValueBiases = true,
            Weights = [WeightType.BF16],
        },
        new("WideHeads")
        {
            KeyValueHeads = 1,
            DeclaredHeadDimension = 24,
            DeclaredRopeDimensions = 8,
            Yarn = (8, 1024),
            EmbeddingScale = 12,
            Gated = false,
            Activation = Activation.SquaredRelu,
            Intermediate = 130,
            Alphas = [1.03m, 0.97m, 1m],
            Weights = [WeightType.F16],
        },
        new("DoubleRelu")
        {
            Hidden = 36,
            Heads = 3,
            KeyValueHeads = 3,
            Activation = Activation.DRelu,
            Intermediate = 50,
            Alphas = [1m, 1.2m, null],
            Weights = [WeightType.F32],
            Place = (
                "namespace Zoo { partial class Outer { private partial interface IInner {", "public", "} } }",
                "Zoo.Outer+IInner+DoubleRelu"),
        },
        new("Thresholded")
        {
            Hidden = 34,
            Heads = 1,
            KeyValueHeads = 1,
            LayerNorm = true,
            Gated = false,
            FeedForwardBiases = true,
            Activation = Activation.Gelu,
            ActivationThreshold = 0.05f,
            Layers = 1,
            Weights = [WeightType.BF16],
        },
        new("Bytes") { Tied = true, Alphas = [1m, 1m, null], Weights = [WeightType.Q8_0] },
        new("Nibbles") { FeedForwardBiases = true, Weights = [WeightType.Q4_0] },
        new("Mixed")
        {
            Alphas = [1m, null, 1.05m],
            QueryKeyValueBiases = true,
            Weights = [WeightType.F16, WeightType.Q8_0, WeightType.Q4_0],
        },
        new("MixedBlocks") { Gated = false, OutputBias = true, EmbeddingScale = 3, Weights = [WeightType.Q4_0, WeightType.Q8_0] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. All.Select(model => model.Source)]));

    public static LanguageModel Load(DecoderCase model, string path, Device device) =>
        Assembly.Value.LoadModel(model.FullName, path, device);
}
