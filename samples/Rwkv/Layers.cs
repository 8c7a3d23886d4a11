using SparseInfer;

namespace Rwkv;

/// <summary>What is generated: RWKV-7's channel mix, <c>value(relu(key(x))²)</c>, is a feed-forward with squared ReLU and no gate.</summary>
internal static partial class Layers
{
    [FeedForward(Hidden = Network.Width, Intermediate = 4 * Network.Width, Activation = Activation.SquaredRelu, Gated = false)]
    [ExactSparsity]
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel ChannelMix { get; }
}
