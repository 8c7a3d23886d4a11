namespace SparseInfer;

/// <summary>
/// TEAL (arXiv 2408.14690): skips input channels of attention's projections, and of the feed-forward's matrices, whose magnitude is not larger than a calibrated threshold, so that their weights
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
    /// For the input of gate and up: a channel is read iff <c>|x| &gt; FeedForward</c>. Not set or 0: every channel is. Needs <see cref="DenseAttribute"/> in
    /// every layer.
    /// </summary>
    public float FeedForward { get; set; }

    /// <summary>
    /// For down's input: a neuron that a policy left goes on to down iff <c>|h| &gt; Down</c>. Not set or 0: every one does. Not on GPUs.
    /// </summary>
    public float Down { get; set; }

    /// <summary>
    /// Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all. Layers that no such attribute names read every channel.
    /// </summary>
    public string? Layers { get; set; }
}
