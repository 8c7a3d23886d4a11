using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>
/// GPU programs whose declarations between them take every branch of the emitter: the small decoders that are also executed, and shapes
/// that are too large for that, whose rows loop, or whose input does not fit in shared memory.
/// </summary>
internal static class GpuZoo
{
    private static readonly DecoderCase[] Large =
    [
        new("SevenBillion") { Hidden = 4096, Intermediate = 11008, Heads = 32, KeyValueHeads = 32, Alphas = [1m, null, 1m], Weights = [WeightType.F16] },
        new("WideInF32") { Hidden = 5120, Intermediate = 13824, Heads = 40, KeyValueHeads = 40, Alphas = [1m, 1m, 1m], Weights = [WeightType.F32] },
        new("VeryWide") { Hidden = 16384, Intermediate = 53248, Heads = 128, KeyValueHeads = 8, Weights = [WeightType.BF16, WeightType.Q8_0] },
        new("WideBlocks")
        {
            Hidden = 8192,
            Intermediate = 28672,
            Heads = 64,
            KeyValueHeads = 8,
            LayerNorm = true,
            Alphas = [1m, 1m, 1m],
            FeedForwardBiases = true,
            Weights = [WeightType.Q4_0, WeightType.F16],
        },
        new("WiderThanSharedMemoryWithLists") { Hidden = 21504, Intermediate = 32768, Heads = 168, KeyValueHeads = 8, Weights = [WeightType.Q8_0] },
        new("WiderThanSharedMemory") { Hidden = 24576, Intermediate = 32768, Heads = 192, KeyValueHeads = 8, Weights = [WeightType.Q8_0] },
        new("WholeTiles")
        {
            Hidden = 2048,
            Intermediate = 8192,
            Heads = 32,
            KeyValueHeads = 4,
            LayerNorm = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Alphas = [1m, null, 1m],
            Weights = [WeightType.F32, WeightType.F16, WeightType.Q8_0, WeightType.Q4_0],
        },
        new("RestOfTiles")
        {
            Hidden = 2080,
            Intermediate = 5504,
            Heads = 26,
            KeyValueHeads = 26,
            OutputBias = true,
            FeedForwardBiases = true,
            Alphas = [1m, null, 1m],
            Weights = [WeightType.F32, WeightType.F16, WeightType.Q8_0, WeightType.Q4_0],
        },
        new("FewSlices") { Hidden = 1024, Intermediate = 160, Heads = 128, KeyValueHeads = 64, Alphas = [1m, 1m, 1m], Weights = [WeightType.F32, WeightType.Q8_0, WeightType.Q4_0] },
        new("ChosenByPrompts") { Hidden = 1024, Intermediate = 4100, Heads = 16, Activation = Activation.Silu, PromptKeeps = [0.5f, 0.25f, 0.25f], Weights = [WeightType.F16] },
        new("ChosenWords") { Hidden = 1024, Intermediate = 160, Heads = 16, Vocabulary = 700, Words = new(96), Weights = [WeightType.F16, WeightType.Q8_0] },
        new("RanksOfExperts")
        {
            Hidden = 1024,
            Intermediate = 160,
            Heads = 16,
            Experts = 8,
            ActiveExperts = 2,
            Predictors = [.. Enumerable.Repeat(new LowRankCase(96, Bias: true, Keep: 0.2f), 3)],
            Weights = [WeightType.F16, WeightType.Q8_0],
        },
        new("ThresholdsOfExperts") { Hidden = 1024, Intermediate = 160, Heads = 16, Experts = 4, ActiveExperts = 1, Activation = Activation.Silu, NeuronThresholds = [0, 1, 2], Weights = [WeightType.F16] },
        new("RankedHeads")
        {
            Hidden = 1024,
            Intermediate = 160,
            Heads = 32,
            KeyValueHeads = 8,
            Window = layer => layer == 1 ? 9 : null,
            Traits = ["[SlidingWindow(Window = 9, Layers = \"1\")]"],
            HeadChoices = [new(0.5f), new(0.25f), new(0.5f)],
            Weights = [WeightType.F16],
        },
        new("RoutedHeads")
        {
            Hidden = 1024,
            Intermediate = 160,
            Heads = 16,
            KeyValueHeads = 16,
            HeadChoices = [new(0.5f, Router: true), new(0.25f, Router: true), new(0.5f, Router: true)],
            Weights = [WeightType.F16, WeightType.Q8_0],
        },
        new("WideNormedHeads")
        {
            Hidden = 4096,
            Intermediate = 12288,
            Heads = 32,
            KeyValueHeads = 8,
            QueryKeyNorms = true,
            Pairing = RopePairing.HalfSplit,
            Activation = Activation.Silu,
            Weights = [WeightType.Q8_0, WeightType.F16],
        },
        new("WideVotes")
        {
            Hidden = 5120,
            Intermediate = 13824,
            Heads = 40,
            KeyValueHeads = 40,
            Activation = Activation.DRelu,
            Traits = ["[SignMagnitudePredictor(Layers = \"0\")]", "[SignBitPredictor(Layers = \"1..\")]"],
            Weights = [WeightType.F16],
        },
        new("WideSubNorms")
        {
            Hidden = 2560,
            Intermediate = 6912,
            Heads = 20,
            KeyValueHeads = 5,
            Activation = Activation.SquaredRelu,
            FeedForwardBiases = true,
            Alphas = [1m, null, 1m],
            Traits = ["[SubNorms]"],
            Weights = [WeightType.Q8_0, WeightType.F16],
        },
        new("VeryWideSubNorms")
        {
            Hidden = 24576,
            Intermediate = 32768,
            Heads = 192,
            KeyValueHeads = 8,
            QueryKeyNorms = true,
            Activation = Activation.SquaredRelu,
            Traits = ["[SubNorms]"],
            Weights = [WeightType.Q8_0],
        },
        new("TinyNormedHeads") { Heads = 32, KeyValueHeads = 32, QueryKeyNorms = true, Weights = [WeightType.F32] },
        new("HugeNormedHeads") { Heads = 2, KeyValueHeads = 1, DeclaredHeadDimension = 1024, QueryKeyNorms = true, Weights = [WeightType.F16] },
        new("OddHead") { Hidden = 66, Heads = 2, KeyValueHeads = 1, DeclaredHeadDimension = 33, DeclaredRopeDimensions = 8, Weights = [WeightType.F32] },
    ];

    /// <summary>With one weight type and with two, of which down has the other; chosen in both ways, one expert and all of them.</summary>
    private static readonly IEnumerable<DecoderCase> Experts = DecoderZoo.OfExperts.Where(
        model => model.Name is "Mixtral" or "SmallThinker" or "OddExperts" or "PlainExperts" or "ThresholdedExperts");

    /// <summary>All declarations of models.</summary>
    public static IReadOnlyList<DecoderCase> Models { get; } = [.. DecoderZoo.All.Concat(DecoderZoo.Families).Concat(Experts).Concat(TraitZoo.All).Append(TraitZoo.Together).Concat(Large).Concat(Activations).Concat(DecoderZoo.OfCuts)];

    /// <summary>Layers alone whose kernels no model has: a cut among all gates.</summary>
    private const string Cuts = """
        using SparseInfer;

        internal static partial class Cuts
        {
            [FeedForward(Hidden = 2048, Intermediate = 8192, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]
            [ExactSparsity]
            [Weights(WeightType.F16, WeightType.Q8_0)]
            public static partial FeedForwardKernel Gated { get; }

            [FeedForward(Hidden = 40, Intermediate = 70, Activation = Activation.GaussianTopK, Sparsity = 0.5f, Gated = false, Biases = true)]
            [ExactSparsity]
            [Weights(WeightType.F32)]
            public static partial FeedForwardKernel Ungated { get; }
        }
        """;

    private static readonly Lazy<(Compilation, ImmutableArray<GeneratedSourceResult>)> Everything = new(() =>
    {
        CSharpCompilation project =
            GeneratedProject.Compilation([.. Models.Select(model => model.Source), Cuts]).WithIlgpu();
        GeneratorDriver driver = GeneratedProject.Driver().RunGeneratorsAndUpdateCompilation(project, out Compilation complete, out _);
        return (complete, [.. GeneratedProject.Sources(driver).Where(source => source.HintName.Contains("Ilgpu", StringComparison.Ordinal))]);
    });

    /// <summary>The project with all of them.</summary>
    public static Compilation Complete => Everything.Value.Item1;

    /// <summary>The files of GPU programs.</summary>
    public static ImmutableArray<GeneratedSourceResult> Sources => Everything.Value.Item2;

    /// <summary>Those files as they are compiled, but for what a layer alone has around its kernels.</summary>
    public static IEnumerable<SyntaxTree> Trees => Complete.SyntaxTrees.Where(tree =>
        tree.FilePath.EndsWith(".g.cs", StringComparison.Ordinal) && tree.FilePath.Contains("Ilgpu", StringComparison.Ordinal)
        && !Path.GetFileName(tree.FilePath).StartsWith("Cuts.", StringComparison.Ordinal));

    /// <summary>What names and types of kernels are; not what may be null, which nothing in a kernel can be, and which takes as long again to find out.</summary>
    public static SemanticModel Semantics(Compilation project, SyntaxTree kernels) =>
#pragma warning disable RSEXPERIMENTAL001 // for a test it is good enough
        project.GetSemanticModel(kernels, SemanticModelOptions.DisableNullableAnalysis);
#pragma warning restore RSEXPERIMENTAL001

    /// <summary>Every activation that decoders have, with each form of a feed-forward.</summary>
    private static IEnumerable<DecoderCase> Activations =>
        from activation in Enum.GetValues<Activation>()
        from biases in new[] { false, true }
        from gated in activation == Activation.DRelu ? [true] : new[] { true, false }
        let signs = activation is not (Activation.Silu or Activation.Gelu or Activation.GaussianTopK)
        select new DecoderCase($"{activation}{(gated ? "Gated" : "")}{(biases ? "Biased" : "")}")
        {
            Activation = activation,
            Gated = gated,
            FeedForwardBiases = biases,
            Alphas = signs ? [1m, 1m, 1m] : [],
            ActivationThreshold = signs || activation == Activation.GaussianTopK ? 0 : 0.1f,
            Weights = [biases ? WeightType.Q8_0 : WeightType.F16],
        };
}
