namespace SparseInfer;

/// <summary>
/// GRIFFIN (arXiv 2404.01365): the prompts of a sequence are computed densely, and say which neurons of a layer they use most. Tokens that are decoded after
/// them compute these neurons only. Without training, for any activation. Of models only. See docs/policies/prompt-neurons.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class PromptNeuronsAttribute : Attribute
{
    /// <summary>
    /// The share of a layer's neurons that is computed, rounded up; above 0, at most 1, which keeps all. Of neurons that prompts used alike those of lower numbers
    /// are kept.
    /// </summary>
    public float Keep { get; set; } = 0.5f;

    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}
