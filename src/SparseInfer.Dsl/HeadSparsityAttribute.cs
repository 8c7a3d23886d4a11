namespace SparseInfer;

/// <summary>
/// Deja Vu (arXiv 2310.17157) and Polar Sparsity (arXiv 2505.14884): each decoded token attends with a share of the heads only. Heads that share keys and values
/// are chosen together. The output of a head that is left out is zero, and its columns of the output projection are not read; its keys and values are
/// cached, for later tokens. Stands beside a policy for neurons. See docs/policies/head-sparsity.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false, AllowMultiple = true)]
public sealed class HeadSparsityAttribute : Attribute
{
    /// <summary>The share of the key-value heads that is kept, above 0 and at most 1, rounded up to whole heads. 1 keeps all. Must be set, or come from a profile.</summary>
    public float Keep { get; set; }

    /// <summary>
    /// Whether a trained router chooses: a matrix [key-value heads, hidden] that the model's file or <c>LoadOptions.PredictorFile</c> has, times attention's normed
    /// input. Not set: those with the largest queries are kept, which needs no training.
    /// </summary>
    public bool Router { get; set; }

    /// <summary>Whether the router has a bias. True where it is not set, as Polar Sparsity's have.</summary>
    public bool Bias { get; set; } = true;

    /// <summary>
    /// Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all. Layers that no such attribute names attend with every head. The
    /// first layer is usually left out: <c>"1.."</c>.
    /// </summary>
    public string? Layers { get; set; }
}
