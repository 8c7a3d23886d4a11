namespace SparseInfer;

/// <summary>Declares RMSNorm before attention, before the feed-forward and before the output head: <c>x / √(mean(x²) + Epsilon) * weight</c>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RmsNormAttribute : Attribute
{
    /// <summary>Added to the mean square before the root.</summary>
    public float Epsilon { get; set; } = 1e-5f;
}

/// <summary>Declares LayerNorm in the same three places: <c>(x - mean) / √(variance + Epsilon) * weight + bias</c>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class LayerNormAttribute : Attribute
{
    /// <summary>Added to the variance before the root.</summary>
    public float Epsilon { get; set; } = 1e-5f;
}
