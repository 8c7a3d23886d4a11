namespace SparseInfer;

/// <summary>
/// TEAL (arXiv 2408.14690): skips input channels of attention's projections whose magnitude is not larger than a calibrated threshold, so that their weights
/// are not read. Stands beside a policy for neurons. See docs/policies/input-threshold.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false, AllowMultiple = true)]
public sealed class InputThresholdAttribute : Attribute
{
    /// <summary>For the input of query, key and value: a channel is read iff <c>|x| &gt; Heads</c>. Not set or 0: every channel is.</summary>
    public float Heads { get; set; }

    /// <summary>For the input of attention's output projection: a channel is read iff <c>|x| &gt; Output</c>. Not set or 0: every channel is.</summary>
    public float Output { get; set; }

    /// <summary>
    /// Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all. Layers that no such attribute names read every channel.
    /// </summary>
    public string? Layers { get; set; }
}
