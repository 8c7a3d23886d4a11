namespace SparseInfer;

/// <summary>
/// Declares that the feed-forward of every layer is several experts, of which a router chooses a few for each token. An expert is what
/// <see cref="FeedForwardAttribute"/> declares: its <see cref="FeedForwardAttribute.Intermediate"/> is one expert's, and a sparsity policy chooses
/// among the neurons of each chosen expert. The output is the sum of the chosen experts', multiplied by weights that sum to 1.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ExpertsAttribute : Attribute
{
    /// <summary>Number of experts in each layer.</summary>
    public int Count { get; set; }

    /// <summary>Number of experts that compute a token: those with the largest router logits.</summary>
    public int Active { get; set; }

    /// <summary>How the chosen experts' logits become weights.</summary>
    public ExpertGating Gating { get; set; }

    /// <summary>What the router reads.</summary>
    public RouterInput Router { get; set; }
}
