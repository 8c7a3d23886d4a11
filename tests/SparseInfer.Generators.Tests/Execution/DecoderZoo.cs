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
            MixesDown = true,
            Alphas = [1m, null, 1.05m],
            QueryKeyValueBiases = true,
            Weights = [WeightType.F16, WeightType.Q8_0],
        },
        new("FiveBits") { Weights = [WeightType.Q5_0, WeightType.Q5_1] },
        new("SuperBlocks")
        {
            Hidden = 256,
            Layers = 1,
            Intermediate = 256,
            Alphas = [1m],
            MixesDown = true,
            Weights = [WeightType.Q4_K, WeightType.Q6_K, WeightType.Q5_K],
        },
        new("Roles")
        {
            Alphas = [1m, null, 1.05m],
            Weights = [WeightType.F16],
            RoleWeights = [(WeightRole.Attention | WeightRole.Head, [WeightType.Q8_0])],
        },
        new("TiedRoles")
        {
            Tied = true,
            Layers = 2,
            MixesDown = true,
            Alphas = [1m, null],
            Weights = [WeightType.F16, WeightType.F32],
            RoleWeights = [(WeightRole.FeedForward, [WeightType.Q4_0, WeightType.Q8_0]), (WeightRole.Embedding, [WeightType.Q8_0])],
        },
        new("MixedBlocks") { Gated = false, OutputBias = true, EmbeddingScale = 3, Weights = [WeightType.Q4_0, WeightType.Q8_0] },
    ];

    /// <summary>What families have beside that: in their attention, and at their embedding.</summary>
    public static IReadOnlyList<DecoderCase> Families { get; } =
    [
        new("NormedHeads")
        {
            QueryKeyNorms = true,
            QueryKeyValueBiases = true,
            Pairing = RopePairing.HalfSplit,
            Tied = true,
            Alphas = [1m, null, 1.1m],
        },
        new("NormedOddHeads")
        {
            QueryKeyNorms = true,
            DeclaredHeadDimension = 35,
            DeclaredRopeDimensions = 10,
            KeyValueHeads = 4,
            Activation = Activation.Silu,
            Weights = [WeightType.F16, WeightType.F32],
        },
        new("Window")
        {
            HasArchitecture = false,
            Window = _ => 7,
            Traits = ["[SlidingWindow(Window = 7)]"],
            Alphas = [1m, null, 1.1m],
        },
        new("Windows")
        {
            HasArchitecture = false,
            Layers = 5,
            Window = layer => layer switch { 0 => 66, 2 or 4 => 5, _ => null },
            Traits = ["[SlidingWindow(Window = 66, Layers = \"0\")]", "[SlidingWindow(Window = 5, Layers = \"2, 4\")]"],
            Activation = Activation.Silu,
            Weights = [WeightType.F16],
        },
        new("WindowsBetweenUnrotatedLayers")
        {
            HasArchitecture = false,
            Layers = 5,
            Window = layer => layer % 4 == 0 ? null : 9,
            IsUnrotated = layer => layer % 4 == 0,
            Traits = ["[SlidingWindow(Window = 9, Layers = \"1..3\", Period = 4)]", "[NoRope(Layers = \"0\", Period = 4)]"],
            Pairing = RopePairing.HalfSplit,
        },
        new("NeverRotated")
        {
            HasArchitecture = false,
            DeclaredHeadDimension = 9,
            IsRotated = false,
            IsUnrotated = _ => true,
            Traits = ["[NoRope]"],
            Weights = [WeightType.F16],
        },
        new("LearnedPositions")
        {
            HasArchitecture = false,
            LearnedPositions = 90,
            PositionOffset = 2,
            IsRotated = false,
            IsUnrotated = _ => true,
            Traits = ["[NoRope]"],
            Tied = true,
            LayerNorm = true,
            KeyValueHeads = 4,
            QueryKeyValueBiases = true,
            OutputBias = true,
            Gated = false,
            FeedForwardBiases = true,
            Alphas = [1m, null, 1.05m],
            Weights = [WeightType.F16],
        },
        new("LearnedPositionsMixed")
        {
            HasArchitecture = false,
            Hidden = 60,
            LearnedPositions = 80,
            EmbeddingScale = 3,
            IsRotated = false,
            IsUnrotated = _ => true,
            Traits = ["[NoRope]"],
            Activation = Activation.Silu,
            Weights = [WeightType.F32, WeightType.BF16],
        },
    ];

    /// <summary>Models of experts.</summary>
    public static IReadOnlyList<DecoderCase> OfExperts { get; } =
    [
        new("Mixtral")
        {
            Experts = 5,
            ActiveExperts = 2,
            Alphas = [1m, null, 1.05m],
            Weights = [WeightType.F16],
        },
        new("SmallThinker")
        {
            Pairing = RopePairing.HalfSplit,
            Experts = 8,
            ActiveExperts = 3,
            Gating = ExpertGating.Sigmoid,
            Router = RouterInput.Layer,
            Intermediate = 160,
            Tied = true,
            Alphas = [1m, 1m, null],
            Weights = [WeightType.F32],
        },
        new("OddExperts")
        {
            Hidden = 60,
            Heads = 5,
            KeyValueHeads = 5,
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            Experts = 3,
            ActiveExperts = 3,
            Activation = Activation.DRelu,
            Intermediate = 77,
            Alphas = [1m, 1.2m, null],
            Weights = [WeightType.BF16],
        },
        new("PlainExperts")
        {
            Gated = false,
            Experts = 4,
            ActiveExperts = 1,
            Gating = ExpertGating.Sigmoid,
            Activation = Activation.SquaredRelu,
            Weights = [WeightType.Q8_0],
        },
        new("ThresholdedExperts")
        {
            Experts = 6,
            ActiveExperts = 2,
            Activation = Activation.Silu,
            ActivationThreshold = 0.05f,
            Weights = [WeightType.Q4_0, WeightType.F16],
        },
        new("WindowedExperts")
        {
            HasArchitecture = false,
            Layers = 5,
            Window = layer => layer % 4 == 0 ? null : 9,
            IsUnrotated = layer => layer % 4 == 0,
            Traits = ["[SlidingWindow(Window = 9, Layers = \"1..3\", Period = 4)]", "[NoRope(Layers = \"0\", Period = 4)]"],
            Pairing = RopePairing.HalfSplit,
            QueryKeyNorms = true,
            Experts = 7,
            ActiveExperts = 4,
            Gating = ExpertGating.Sigmoid,
            Router = RouterInput.Layer,
            Intermediate = 32,
            Weights = [WeightType.F16, WeightType.F32],
        },
        new("FiveBitExperts") { Experts = 4, ActiveExperts = 2, Intermediate = 64, Alphas = [1m], Layers = 1, Weights = [WeightType.Q5_0, WeightType.Q5_1] },
        new("SuperBlockExperts")
        {
            Hidden = 256,
            Layers = 3,
            Intermediate = 256,
            Experts = 3,
            ActiveExperts = 2,
            Weights = [WeightType.Q4_K, WeightType.Q6_K, WeightType.Q5_K],
        },
    ];

    /// <summary>Models that cut a token's neurons relative to all of them: of several slices and of one, with and without a gate, in types that mix.</summary>
    public static IReadOnlyList<DecoderCase> OfCuts { get; } =
    [
        new("Cut")
        {
            HasArchitecture = false,
            Activation = Activation.GaussianTopK,
            Intermediate = 200,
            Traits = ["[ExactSparsity(Layers = \"0, 2\")]", "[Dense(Layers = \"1\")]"],
        },
        new("CutOdd")
        {
            HasArchitecture = false,
            Hidden = 60,
            Heads = 5,
            KeyValueHeads = 5,
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            Activation = Activation.GaussianTopK,
            Sparsity = 0.5f,
            Gated = false,
            FeedForwardBiases = true,
            Intermediate = 77,
            Weights = [WeightType.BF16],
        },
        new("CutMixed")
        {
            HasArchitecture = false,
            Activation = Activation.GaussianTopK,
            Sparsity = 0.95f,
            FeedForwardBiases = true,
            MixesDown = true,
            Intermediate = 320,
            Weights = [WeightType.F16, WeightType.Q8_0],
        },
    ];

    /// <summary>All that CPUs compute.</summary>
    public static IEnumerable<DecoderCase> Everything => All.Concat(Families).Concat(OfExperts).Concat(OfCuts);

    private static readonly Lazy<GeneratedAssembly> Assembly =
        new(() => GeneratedProject.Build([.. Everything.Select(model => model.Source)]));

    public static LanguageModel Load(DecoderCase model, string path, Device device) =>
        Assembly.Value.LoadModel(model.FullName, path, device);
}
