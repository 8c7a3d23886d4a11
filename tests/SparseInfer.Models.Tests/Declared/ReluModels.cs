using SparseInfer;

namespace Models;

/// <summary>As the sample declares it: weights in the type they are stored in, a policy for each layer.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.00f, Layers = "0")]
[ExactSparsity(Layers = "1..4")]
[SignBitPredictor(Alpha = 1.00f, Layers = "5")]
[Weights(WeightType.F16)]
public sealed partial class ReluF16;

/// <summary>The same model, whose prompts choose the neurons of what follows them.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[PromptNeurons(Keep = 0.25f)]
[Weights(WeightType.F16)]
public sealed partial class ReluPrompts;

/// <summary>The same model with its stored F16 weights widened when they are loaded.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.05f)]
[Weights(WeightType.F32)]
public sealed partial class ReluF32;

/// <summary>The same model with several weight types, which a file may mix between matrices.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.10f, Layers = "0, 5")]
[Dense(Layers = "1..2")]
[ExactSparsity(Layers = "3..4")]
[Weights(WeightType.F16, WeightType.Q8_0, WeightType.F32)]
public sealed partial class ReluMixed;

/// <summary>The same model with types of their own for some roles: no file has them so, unless it was converted.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[SignBitPredictor(Alpha = 1.05f)]
[Weights(WeightType.F16)]
[Weights(WeightType.Q8_0, Role = WeightRole.Attention)]
[Weights(WeightType.Q4_0, WeightType.Q8_0, Role = WeightRole.FeedForward)]
public sealed partial class ReluRoles;

/// <summary>The same model where a trained predictor that the file brings chooses neurons.</summary>
[DecoderModel(Hidden = 256, Layers = 6, Vocabulary = 512, Context = 512)]
[Attention(Heads = 8, KeyValueHeads = 4, RopeTheta = 10000)]
[FeedForward(Intermediate = 1024, Activation = Activation.Relu, Gated = true)]
[RmsNorm(Epsilon = 1e-5f)]
[Embedding(Tied = true)]
[LowRankPredictor(Rank = 32, Input = PredictorInput.Residual, Layers = "0..4")]
[ExactSparsity(Layers = "5")]
[Weights(WeightType.F16)]
public sealed partial class ReluTrained;
