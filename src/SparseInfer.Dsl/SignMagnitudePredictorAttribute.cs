namespace SparseInfer;

/// <summary>
/// Grasp's predictor: each column votes for neuron i where the signs of the input and of gate row i agree, and against it where they do not, with a weight by
/// whether input and weight are large, and one more where the input is an outlier. Neuron i is skipped iff the votes are fewer than
/// <c>(1 - Beta) * width / 2</c>. Needs an activation that has zeros. See docs/policies/sign-magnitude.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class SignMagnitudePredictorAttribute : Attribute
{
    /// <summary>Larger is more cautious: fewer neurons are skipped. Above 0, at most 10. The decimal value as written is what counts.</summary>
    public float Beta { get; set; } = 1f;

    /// <summary>
    /// The vote of an outlier, beside its vote as a large element, in votes of two small ones; the only weight that is calibrated. 0 to 300, in hundredths.
    /// </summary>
    public float OutlierWeight { get; set; } = 60f;

    /// <summary>Standard deviations from the mean of the input beyond which an element is an outlier; positive.</summary>
    public float OutlierSigmas { get; set; } = 6f;

    /// <summary>Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }
}
