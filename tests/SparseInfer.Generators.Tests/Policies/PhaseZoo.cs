using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Models whose policies have a phase of their own: compiled once for all tests of them.</summary>
internal static class PhaseZoo
{
    public static CpuDevice[] Devices { get; } = [Device.Cpu(1), Device.Cpu(3)];

    public static DecoderCase[] Models { get; } =
    [
        // Two ranks, a layer without, and two layers of one rank that differ in what they make of their scores.
        new("Ranks") { Layers = 5, Intermediate = 150, Predictors = [new(32), new(40), null, new(40), new(40, Threshold: 0.25f)] },
        // The best of them: a share, numbers, of one phase and of others.
        new("Best")
        {
            Layers = 5,
            Intermediate = 150,
            Predictors = [new(32, Keep: 0.2f), new(32, Count: 41), null, new(32, Threshold: 0.25f), new(40, PredictorInput.Normed, Relu: false, Bias: true, Keep: 0.5f)],
        },
        new("Svd") { Intermediate = 150, Activation = Activation.Silu, Predictors = [LowRankCase.Svd(24), LowRankCase.Svd(64, 0.125f), null], Weights = [WeightType.F16] },
        new("Thresholds") { Intermediate = 150, Activation = Activation.Silu, NeuronThresholds = [0, 2], ActivationThreshold = 0.1f, Weights = [WeightType.F16] },
        new("EveryThreshold") { Gated = false, FeedForwardBiases = true, Activation = Activation.Gelu, NeuronThresholds = [0, 1, 2], Weights = [WeightType.Q8_0] },
        new("EveryLayer")
        {
            Gated = false,
            FeedForwardBiases = true,
            Predictors = [.. Enumerable.Repeat(new LowRankCase(8, PredictorInput.Normed, Relu: false, Bias: true), 3)],
            Weights = [WeightType.F16],
        },
        new("WideRank") { Activation = Activation.Silu, Predictors = [null, new(96, Bias: true), new(96, PredictorInput.Normed)], Weights = [WeightType.BF16] },
        new("MixedRanks") { Predictors = [new(32), null, new(64, PredictorInput.Normed)], Weights = [WeightType.F16, WeightType.Q8_0] },

        // Inside experts: a predictor each, and numbers for each one's neurons.
        new("RanksOfExperts")
        {
            Layers = 5,
            Experts = 5,
            ActiveExperts = 2,
            Predictors = [new(32), new(40, PredictorInput.Normed, Relu: false, Bias: true), null, new(32, Keep: 0.3f), new(32, Count: 41)],
        },
        new("SvdOfExperts")
        {
            HasArchitecture = false,
            Pairing = RopePairing.HalfSplit,
            Experts = 8,
            ActiveExperts = 3,
            Gating = ExpertGating.Sigmoid,
            Router = RouterInput.Layer,
            Intermediate = 77,
            Activation = Activation.DRelu,
            Predictors = [LowRankCase.Svd(24), LowRankCase.Svd(24, 0.125f), null],
            Weights = [WeightType.F16, WeightType.BF16],
        },
        new("ThresholdsOfExperts")
        {
            Experts = 4,
            ActiveExperts = 2,
            Activation = Activation.Silu,
            NeuronThresholds = [0, 2],
            ActivationThreshold = 0.1f,
        },
        new("EveryThresholdOfExperts") { Experts = 4, ActiveExperts = 4, Gated = false, Activation = Activation.Gelu, NeuronThresholds = [0, 1, 2], Weights = [WeightType.Q8_0] },

        // Of earlier layers' inputs: of the one before and of two before, with policies that compute nothing between.
        new("LookingAhead")
        {
            Layers = 6,
            Intermediate = 150,
            Predictors = [null, new(32, Lookahead: 1), new(32, Lookahead: 2), new(40, PredictorInput.Normed, Relu: false, Bias: true, Lookahead: 1), null, new(32, Lookahead: 1, Keep: 0.3f)],
        },
        new("EveryLookingAhead")
        {
            Weights = [WeightType.F16, WeightType.BF16],
            LayerNorm = true,
            Predictors = [new(32, PredictorInput.Normed), new(32, PredictorInput.Normed, Lookahead: 1), new(32, PredictorInput.Normed, Lookahead: 2)],
        },
        new("ExpertsLookingAhead")
        {
            Experts = 5,
            ActiveExperts = 2,
            Predictors = [null, new(32, Lookahead: 1), new(32, PredictorInput.Normed, Lookahead: 1)],
        },

        // Beside attention, where neurons are normalised together, with learned positions, and of types that roles have.
        TraitZoo.Parallel[0] with { Name = "RanksInParallel", Alphas = [], Predictors = [new(32, PredictorInput.Normed), null, new(32, PredictorInput.Normed, Bias: true)] },
        TraitZoo.Parallel[1] with { Name = "RanksInParallelOfTwoNorms", Predictors = [new(32, PredictorInput.Normed), new(40, PredictorInput.Normed), null] },
        TraitZoo.SubNorms[0] with { Name = "RanksOfSubNorms", Alphas = [], Predictors = [new(32), null, new(40, PredictorInput.Normed)] },
        new("RanksOfRoles")
        {
            HasArchitecture = false,
            LearnedPositions = 90,
            IsRotated = false,
            IsUnrotated = _ => true,
            Traits = ["[NoRope]"],
            LayerNorm = true,
            Predictors = [new(32), new(40, PredictorInput.Normed), null],
            Weights = [WeightType.F32],
            RoleWeights = [(WeightRole.FeedForward, [WeightType.F16, WeightType.BF16])],
        },
    ];

    public static Lazy<GeneratedAssembly> Assembly { get; } = new(() => GeneratedAssembly.Load(SpecProject.Of(Models.Select(model => model.Source), [.. Models.Select(Spec)])));

    /// <summary>Of a name.</summary>
    public static DecoderCase Of(string name) => Models.Single(model => model.Name == name);

    public static ModelSpec Spec(DecoderCase declared) => Parsed.Model(declared.Source, declared.FullName).ShouldNotBeNull();

    /// <summary>Runs something with a model whose file has the weights.</summary>
    public static T With<T>(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);
}
