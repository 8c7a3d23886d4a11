namespace SparseInfer;

/// <summary>
/// TEAL (arXiv 2408.14690): skips input channels of attention's projections, and of the feed-forward's matrices, whose magnitude is not larger than a calibrated threshold, so that their weights
/// are not read. Around a centre it is SCAP's (IntelLabs), with column norms WINA's (arXiv 2505.19427). Stands beside a policy for neurons. See docs/policies/input-threshold.md.
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
    /// For down's input: a neuron that a policy left goes on to down iff <c>|h| &gt; Down</c>. Not set or 0: every one does.
    /// </summary>
    public float Down { get; set; }

    /// <summary>
    /// What channels of query, key and value's input lie around (SCAP): one is read iff <c>|x - HeadsCentre| &gt; Heads</c>, and the product is that of all
    /// channels, those that are left out taken to be <c>HeadsCentre</c>. Not set or 0: they lie around 0.
    /// </summary>
    public float HeadsCentre { get; set; }

    /// <summary>The same of attention's output projection, with <see cref="Output"/>.</summary>
    public float OutputCentre { get; set; }

    /// <summary>The same of gate and up, with <see cref="FeedForward"/>.</summary>
    public float FeedForwardCentre { get; set; }

    /// <summary>The same of down, with <see cref="Down"/>. Needs <see cref="DenseAttribute"/> in every layer: a neuron that is left out unread is 0, not this.</summary>
    public float DownCentre { get; set; }

    /// <summary>
    /// Whether what is compared with <see cref="Heads"/> and <see cref="FeedForward"/> is a channel's magnitude times the Euclidean norm of its weights (WINA): of
    /// those of query, key and value together, and of gate and up together. Not set: the magnitude alone.
    /// </summary>
    public bool ColumnNorms { get; set; }

    /// <summary>
    /// Layers it acts in, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all. Layers that no such attribute names read every channel.
    /// </summary>
    public string? Layers { get; set; }
}
