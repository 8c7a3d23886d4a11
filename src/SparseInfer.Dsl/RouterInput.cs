namespace SparseInfer;

/// <summary>What the router of a layer's experts reads.</summary>
public enum RouterInput
{
    /// <summary>What the experts read: the residual stream after attention, normalised (Mixtral).</summary>
    FeedForward,

    /// <summary>What the layer reads: the residual stream before attention, not normalised (SmallThinker).</summary>
    Layer,
}
