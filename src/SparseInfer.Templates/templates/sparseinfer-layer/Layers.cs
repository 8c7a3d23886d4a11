using SparseInfer;

/// <summary>Layers of the network. The generator writes kernels for exactly these shapes.</summary>
public static partial class Layers
{
#if (gated)
    [FeedForward(Hidden = HIDDEN_SIZE, Intermediate = INTERMEDIATE_SIZE, Activation = Activation.ACTIVATION_NAME, Gated = true)]
#else
    [FeedForward(Hidden = HIDDEN_SIZE, Intermediate = INTERMEDIATE_SIZE, Activation = Activation.ACTIVATION_NAME, Gated = false)]
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
    public static partial FeedForwardKernel Mlp { get; }
}
