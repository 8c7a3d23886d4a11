namespace SparseInfer;

/// <summary>
/// A predictor that is the gate itself, approximated by its largest singular values and so made without training (SVDP): neuron i is skipped iff row i of
/// <c>fc2 * (fc1 * x) + bias</c> is below 0, where x is what the neurons read and the bias is minus a threshold of the neuron's own. <c>sparseinfer
/// calibrate</c> writes the file that <c>LoadOptions.PredictorFile</c> takes. Of models only. See docs/policies/truncated-svd.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class TruncatedSvdPredictorAttribute : Attribute
{
    /// <summary>Singular values: rows of fc1, which is [rank, hidden]; columns of fc2, which is [intermediate, rank]. Must be set.</summary>
    public int Rank { get; set; }

    /// <summary>What is added to every neuron's own threshold; finite. Larger skips more, 0 as much as was found.</summary>
    public float Threshold { get; set; }

    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}
