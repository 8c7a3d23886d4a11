namespace SparseInfer;

/// <summary>
/// A trained predictor of two small matrices, which the model's file brings: neuron i is skipped iff row i of
/// <c>fc2 * relu(fc1 * x)</c> is below a threshold, or is not among the best (Deja Vu, arXiv 2310.17157; PowerInfer, arXiv 2312.12456; without ReLU SVDP). Of models only. See
/// docs/policies/low-rank.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class LowRankPredictorAttribute : Attribute
{
    /// <summary>Rows of fc1, which is [rank, hidden]; columns of fc2, which is [intermediate, rank]. Must be set.</summary>
    public int Rank { get; set; }

    /// <summary>What x is. Must be set: files do not say it.</summary>
    public PredictorInput Input { get; set; }

    /// <summary>Whether what fc1 gives is rectified before fc2.</summary>
    public bool Relu { get; set; } = true;

    /// <summary>Whether the file has a bias for fc2, of one value a neuron, added to the scores.</summary>
    public bool Bias { get; set; }

    /// <summary>
    /// How many layers before its own the predictor reads <see cref="Input"/> (Deja Vu's look-ahead: 1); 0: its own layer's. Layers that have none so far before
    /// them need another policy.
    /// </summary>
    public int Lookahead { get; set; }

    /// <summary>A neuron is skipped iff its score is smaller; finite. Larger skips more.</summary>
    public float Threshold { get; set; }

    /// <summary>
    /// In place of <see cref="Threshold"/>: the share of a layer's neurons that each token keeps, those with the best scores, rounded up; above 0, at most
    /// 1, which keeps all. Of equal scores those of lower neurons are better.
    /// </summary>
    public float Keep { get; set; }

    /// <summary>The same as a number of neurons: 1 to Intermediate.</summary>
    public int Count { get; set; }

    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}
