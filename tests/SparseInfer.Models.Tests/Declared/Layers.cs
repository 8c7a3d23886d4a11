using SparseInfer;

namespace Models;

/// <summary>Layers alone, in every weight type.</summary>
public static partial class Layers
{
    [FeedForward(Hidden = 96, Intermediate = 160, Activation = Activation.Relu)]
    [SignBitPredictor(Alpha = 1.05f)]
    [Weights(WeightType.F32, WeightType.F16, WeightType.BF16, WeightType.Q8_0, WeightType.Q4_0, WeightType.Q5_0, WeightType.Q5_1)]
    public static partial FeedForwardKernel Predicted { get; }

    [FeedForward(Hidden = 96, Intermediate = 160, Activation = Activation.Silu)]
    [Weights(WeightType.F32, WeightType.F16, WeightType.BF16, WeightType.Q8_0, WeightType.Q4_0, WeightType.Q5_0, WeightType.Q5_1)]
    public static partial FeedForwardKernel Smooth { get; }
}
