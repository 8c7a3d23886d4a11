namespace SparseInfer;

/// <summary>A vector of a token that a model with <c>[Observed]</c> shows. In the order in which a token has them.</summary>
public enum ObservedActivation
{
    /// <summary>What queries, keys and values are projected from: the residual stream after attention's norm, [hidden].</summary>
    AttentionInput,

    /// <summary>What attention's output projection reads: the heads' results, [heads x head dimension]; after their norm where there is one.</summary>
    Attended,

    /// <summary>The residual stream that the feed-forward's norm reads, [hidden].</summary>
    Residual,

    /// <summary>What gate and up read: the residual stream after the feed-forward's norm, [hidden].</summary>
    FeedForwardInput,

    /// <summary>Numbers of the experts that the router chose, ascending, [active experts]. Only where there are experts.</summary>
    Experts,

    /// <summary>What the outputs of <see cref="Experts"/> are multiplied by, in their order, [active experts].</summary>
    ExpertWeights,

    /// <summary>
    /// What down reads: activation(gate) times up of each neuron, 0 for those that were skipped, [intermediate]. Of experts, [active experts x
    /// intermediate], in the order of <see cref="Experts"/>.
    /// </summary>
    Neurons,

    /// <summary>What the feed-forward adds to the residual stream, [hidden].</summary>
    FeedForwardOutput,

    /// <summary>What the head reads: the residual stream after the last norm, [hidden]. Of tokens whose logits are computed. It is no layer's: layer is the number of layers.</summary>
    Final,
}
