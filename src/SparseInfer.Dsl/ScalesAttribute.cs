namespace SparseInfer;

/// <summary>
/// Declares what layers' outputs and logits are multiplied by (MiniCPM, Granite). The embedding's factor is <see cref="EmbeddingAttribute.Scale"/>.
/// Optional: the default is no scale.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ScalesAttribute : Attribute
{
    /// <summary>
    /// What attention adds to the residual stream, and what the feed-forward adds, is multiplied by this. MiniCPM: <c>scale_depth / sqrt(layers)</c>;
    /// Granite: <c>residual_multiplier</c>. Finite and positive.
    /// </summary>
    public float Residual { get; set; } = 1f;

    /// <summary>
    /// Logits are multiplied by this. MiniCPM: <c>dim_model_base / hidden size</c>; Granite: <c>1 / logits_scaling</c>. In GGUF files of both,
    /// <c>logit_scale</c> is what logits are divided by. Finite and positive.
    /// </summary>
    public float Logits { get; set; } = 1f;
}
