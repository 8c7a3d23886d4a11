using SparseInfer;

/// <summary>
/// The model, as its file has it. The generator writes kernels for exactly this shape, and loading tells what does not fit. The tool writes this class for a file:
/// <c>sparseinfer declare FILE</c>.
/// </summary>
[DecoderModel(Hidden = HIDDEN_SIZE, Layers = LAYER_COUNT, Vocabulary = VOCABULARY_SIZE, Context = CONTEXT_SIZE)]
[Attention(Heads = HEAD_COUNT, KeyValueHeads = KEY_VALUE_HEADS, RopeTheta = (float)ROPE_THETA)]
[FeedForward(Intermediate = INTERMEDIATE_SIZE, Activation = Activation.ACTIVATION_NAME, Gated = true)]
[RmsNorm(Epsilon = (float)NORM_EPSILON)]
#if (tied)
[Embedding(Tied = true)]
#endif
#if (policy == "Auto" && activation == "Silu")
[Dense]
#elif (policy == "Auto" && activation == "Gelu")
[Dense]
#elif (policy == "Auto")
[ExactSparsity]
#else
[POLICY_NAME]
#endif
[Weights(WeightType.WEIGHT_TYPE)]
public sealed partial class MyModel;
