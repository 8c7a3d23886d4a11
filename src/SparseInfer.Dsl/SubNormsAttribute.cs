namespace SparseInfer;

/// <summary>
/// Declares an RMSNorm inside attention, before its output projection, and one inside the feed-forward, before down (BitNet b1.58). Optional: the
/// default is none. What the feed-forward's makes of a neuron depends on all of them: a neuron that a predictor leaves out counts as zero in it.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SubNormsAttribute : Attribute;
