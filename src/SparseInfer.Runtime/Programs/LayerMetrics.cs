using System.Diagnostics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>
/// What one layer's feed-forward did since the meters were reset, and attention's projections where a policy skips some of their input. Shares are of all neurons of all tokens; NaN where nothing was counted. Of
/// experts, those that were chosen for a token are counted, and the others are not: neither their neurons nor their bytes.
/// </summary>
public readonly record struct LayerMetrics
{
    internal LayerMetrics(int layer, in LayerTally tally, int neurons)
    {
        Layer = layer;
        Tokens = tally.Neurons / neurons;
        ActualSparsity = Share(tally.Inactive, tally.Neurons);
        PredictedSparsity = Share(tally.Predicted, tally.Neurons);
        Precision = Share(tally.PredictedInactive, tally.Predicted);
        Recall = tally.Predicted == 0 ? double.NaN : Share(tally.PredictedInactive, tally.Inactive);
        FeedForwardNanoseconds = Nanoseconds(tally.FeedForwardTicks, tally.Timed);
        PredictorNanoseconds = Nanoseconds(tally.PredictorTicks, tally.Timed);
        SkippedHeads = Share(tally.SkippedHeads, tally.Heads);
        SkippedInputs = Share(tally.SkippedChannels, tally.Channels);
        ProjectionBytesPerToken = Tokens == 0 || tally.ProjectionBytes + tally.SkippedProjectionBytes == 0 ? double.NaN : (double)tally.ProjectionBytes / Tokens;
        SkippedProjectionBytesPerToken = double.IsNaN(ProjectionBytesPerToken) ? double.NaN : (double)tally.SkippedProjectionBytes / Tokens;
        BytesPerToken = Tokens == 0 ? double.NaN : (double)tally.Bytes / Tokens;
    }

    /// <summary>The layer.</summary>
    public int Layer { get; }

    /// <summary>Tokens counted.</summary>
    public long Tokens { get; }

    /// <summary>Share of neurons whose activation was zero, or below the declared threshold.</summary>
    public double ActualSparsity { get; }

    /// <summary>Share of neurons that a predictor skipped unread; 0 without a predictor.</summary>
    public double PredictedSparsity { get; }

    /// <summary>Of the neurons predicted inactive, the share that is. NaN without a predictor.</summary>
    public double Precision { get; }

    /// <summary>Of the inactive neurons, the share that was predicted. NaN without a predictor.</summary>
    public double Recall { get; }

    /// <summary>Bytes of feed-forward weights and predictor data that a token touches, on average.</summary>
    public double BytesPerToken { get; }

    /// <summary>Share of query heads that a token did not attend with, where a policy chooses among them. NaN where none does, as in Dense and Exact.</summary>
    public double SkippedHeads { get; }

    /// <summary>
    /// Share of input channels that a threshold skipped, of the inputs that have one: of attention's projections, of gate and up, and of down those neurons that
    /// nothing else took off. NaN where none chooses, as in Dense and Exact.
    /// </summary>
    public double SkippedInputs { get; }

    /// <summary>
    /// Bytes of attention's projections whose input or heads a policy looks at, in some layer, that a token touches, on average; in a batch, those that it would touch alone. NaN where no policy looks at one.
    /// </summary>
    public double ProjectionBytesPerToken { get; }

    /// <summary>Bytes of these projections that it does not touch. NaN where no policy looks at one.</summary>
    public double SkippedProjectionBytesPerToken { get; }

    /// <summary>
    /// Time of a token's feed-forward, from the norm before it to the barrier after it; the workers' mean. NaN where nothing was timed.
    /// </summary>
    public double FeedForwardNanoseconds { get; }

    /// <summary>Of that, the time spent on predicting; 0 without a predictor that is timed.</summary>
    public double PredictorNanoseconds { get; }

    /// <summary>What was counted and timed, in one line and the invariant culture.</summary>
    public override string ToString()
    {
        string text = FormattableString.Invariant($"layer {Layer}");
        if (Tokens > 0)
        {
            text += FormattableString.Invariant($": {Tokens} tokens, {ActualSparsity:0.0%} inactive, {PredictedSparsity:0.0%} skipped unread");
            text += double.IsNaN(Precision) ? "" : FormattableString.Invariant($" (precision {Precision:0.0%}, recall {Recall:0.0%})");
            text += FormattableString.Invariant($", {BytesPerToken:0} bytes a token");
            text += double.IsNaN(SkippedHeads) ? "" : FormattableString.Invariant($"; {SkippedHeads:0.0%} of heads skipped");
            text += double.IsNaN(SkippedInputs) ? "" : FormattableString.Invariant($"; {SkippedInputs:0.0%} of inputs skipped");
            text += double.IsNaN(ProjectionBytesPerToken) ? ""
                : FormattableString.Invariant($"; {ProjectionBytesPerToken:0} bytes of attention's projections a token");
        }

        if (!double.IsNaN(FeedForwardNanoseconds))
        {
            text += Tokens > 0 ? ", " : ": ";
            text += FormattableString.Invariant($"{FeedForwardNanoseconds / 1000:0.0} µs a token, {PredictorNanoseconds / 1000:0.0} µs of it predicting");
        }

        return Tokens > 0 || !double.IsNaN(FeedForwardNanoseconds) ? text : text + ": nothing was counted";
    }

    private static double Nanoseconds(long ticks, long tokens) =>
        tokens == 0 ? double.NaN : ticks * (1e9 / Stopwatch.Frequency) / tokens;

    private static double Share(long part, long whole) => whole == 0 ? double.NaN : (double)part / whole;
}
