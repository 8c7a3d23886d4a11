namespace SparseInfer;

/// <summary>
/// SparseInfer's predictor (arXiv 2411.12692): neuron i is skipped iff more than <c>alpha * N_pos</c> of the signs of the
/// input and of gate row i disagree; a bias counts for as many signs as it is average products large. Needs an activation that has zeros. See docs/policies/sign-bit.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class SignBitPredictorAttribute : Attribute
{
    /// <summary>Larger is more cautious: fewer neurons are skipped. The decimal value as written is what counts.</summary>
    public float Alpha { get; set; } = 1f;

    /// <summary>Layers it acts in, both ends included: <c>"0..19"</c>, <c>"20.."</c>, <c>"5"</c>, <c>"0..3, 7"</c>. Not set: all.</summary>
    public string? Layers { get; set; }
}

/// <summary>Skips up and down of neurons whose activation is exactly zero. Bit-identical to dense. See docs/policies/exact.md.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class ExactSparsityAttribute : Attribute
{
    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}

/// <summary>
/// CATS (arXiv 2404.08763): skips up and down of neurons whose activation is smaller in magnitude than a calibrated threshold; or than one of their own
/// (CHESS, arXiv 2409.01366).
/// For activations without zeros (SiLU, GELU). See docs/policies/activation-threshold.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class ActivationThresholdAttribute : Attribute
{
    /// <summary>A neuron is kept iff <c>|act(gate(x))| &gt;= Threshold</c>; positive.</summary>
    public float Threshold { get; set; }

    /// <summary>
    /// In place of <see cref="Threshold"/>: each neuron has its own, which the model's file or <c>LoadOptions.PredictorFile</c> has. It is kept iff
    /// <c>|act(gate(x))|</c> is larger. Of models only.
    /// </summary>
    public bool PerNeuron { get; set; }

    /// <summary>
    /// CATS-GP: of a neuron whose votes of signs and magnitudes, as <see cref="SignMagnitudePredictorAttribute"/> counts them, are at most so many in magnitude not even
    /// the gate is read. Positive, in hundredths. Not set: every gate is read.
    /// </summary>
    public float GateVote { get; set; }

    /// <summary>Of those votes: <see cref="SignMagnitudePredictorAttribute.OutlierWeight"/>.</summary>
    public float OutlierWeight { get; set; } = 30f;

    /// <summary>Of those votes: <see cref="SignMagnitudePredictorAttribute.OutlierSigmas"/>.</summary>
    public float OutlierSigmas { get; set; } = 3f;

    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}

/// <summary>Computes every neuron. See docs/policies/dense.md.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class DenseAttribute : Attribute
{
    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}
