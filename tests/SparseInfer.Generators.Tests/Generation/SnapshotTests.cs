using System.Runtime.CompilerServices;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>
/// Generated code as people read it. Each also runs the generator again, under other cultures too, and looks at what its pipeline holds.
/// </summary>
public sealed class SnapshotTests
{
    [Fact]
    public void The_model_of_the_sample() =>
        Snapshot.Match(Pipeline.Generate(File.ReadAllText(InRepository("samples/Stories/StoriesRelu.cs"))));

    [Fact]
    public void A_seven_billion_model_with_two_alphas() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 32, RopeTheta = 10000)]
        [FeedForward(Intermediate = 11008, Activation = Activation.FatRelu, Threshold = 0.01f, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.03f, Layers = "0..19")]
        [SignBitPredictor(Alpha = 1.00f, Layers = "20..")]
        [Weights(WeightType.F16)]
        public sealed partial class ProSparseLlama7B;
        """));

    /// <summary>What roles change: each matrix is multiplied in its role's type, and the head, which may have two, through a switch.</summary>
    [Fact]
    public void A_model_whose_roles_have_types_of_their_own() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32)]
        [FeedForward(Intermediate = 11008, Activation = Activation.Relu)]
        [RmsNorm]
        [SignBitPredictor(Alpha = 1)]
        [Weights(WeightType.F16)]
        [Weights(WeightType.Q8_0, Role = WeightRole.Attention)]
        [Weights(WeightType.Q8_0, WeightType.F16, Role = WeightRole.Head)]
        public sealed partial class ProSparseLlama7BInRoles;
        """).Where(source => source.HintName.StartsWith("ProSparseLlama7BInRoles.Cpu", StringComparison.Ordinal)));

    /// <summary>What experts change: their feed-forward's kernels are as any other's.</summary>
    [Fact]
    public void The_experts_of_a_model() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        [DecoderModel(Hidden = 1536, Layers = 32, Vocabulary = 151936, Context = 4096)]
        [Attention(Heads = 12, KeyValueHeads = 2, HeadDimension = 128, RopeTheta = 1000000, RopePairing = RopePairing.HalfSplit)]
        [FeedForward(Intermediate = 768, Activation = Activation.Relu)]
        [Experts(Count = 32, Active = 4, Gating = ExpertGating.Sigmoid, Router = RouterInput.Layer)]
        [RmsNorm(Epsilon = 1e-6f)]
        [Embedding(Tied = true)]
        [SignBitPredictor(Alpha = 1)]
        [Weights(WeightType.Q8_0)]
        public sealed partial class SmallThinker4B;
        """).Where(source => source.HintName.StartsWith("SmallThinker4B", StringComparison.Ordinal)));

    /// <summary>A trained predictor for each expert: what the token's experts have of it is computed together.</summary>
    [Fact]
    public void The_predictors_of_experts() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 57024, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 8, RopeTheta = 1000000)]
        [FeedForward(Intermediate = 14336, Activation = Activation.DRelu)]
        [Experts(Count = 8, Active = 2)]
        [RmsNorm]
        [LowRankPredictor(Rank = 1024, Input = PredictorInput.Normed)]
        [Weights(WeightType.F16)]
        public sealed partial class TurboSparseMixtral;
        """).Where(source => source.HintName == "TurboSparseMixtral.Cpu.g.cs"));

    /// <summary>Policies of several sites: neurons by votes, small inputs of attention, words of the head.</summary>
    [Fact]
    public void A_model_of_three_policies() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32)]
        [FeedForward(Intermediate = 11008, Activation = Activation.Relu)]
        [RmsNorm]
        [SignMagnitudePredictor(Beta = 1.05f)]
        [InputThreshold(Heads = 0.12f, Output = 0.05f, Layers = "2..")]
        [VocabularyPredictor(Rank = 256)]
        [Weights(WeightType.Q8_0)]
        public sealed partial class SparseEverywhere7B;
        """).Where(source => source.HintName.Contains("Cpu", StringComparison.Ordinal)));

    /// <summary>The program of a model, and the kernels of its feed-forward: what is generated for CPUs as well is in the test before.</summary>
    [Fact]
    public void The_model_of_the_sample_on_gpus() => Snapshot.Match(Pipeline
        .Generate(GeneratedProject.Compilation(File.ReadAllText(InRepository("samples/Stories/StoriesRelu.cs"))).WithIlgpu())
        .Where(source => source.HintName.Contains("Ilgpu", StringComparison.Ordinal)));

    [Fact]
    public void A_layer_alone() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        public static partial class Layers
        {
            [FeedForward(Hidden = 2048, Intermediate = 8192, Activation = Activation.SquaredRelu, Gated = false)]
            [SignBitPredictor(Alpha = 1.01f)]
            [Weights(WeightType.F32)]
            public static partial FeedForwardKernel Mlp { get; }
        }
        """));

    [Fact]
    public void A_layer_alone_that_cuts() => Snapshot.Match(Pipeline.Generate("""
        using SparseInfer;

        public static partial class Gemma3n
        {
            [FeedForward(Hidden = 2048, Intermediate = 8192, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]
            [ExactSparsity]
            [Weights(WeightType.F16)]
            public static partial FeedForwardKernel Mlp { get; }
        }
        """));

    private static string InRepository(string path, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", path);
}
