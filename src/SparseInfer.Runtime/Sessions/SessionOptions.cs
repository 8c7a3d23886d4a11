namespace SparseInfer;

/// <summary>How a session computes.</summary>
public sealed record SessionOptions
{
    /// <summary>What is skipped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="SparsityMode"/>.</exception>
    public SparsityMode Mode { get; init => field = EnumArgument.Require(value); } = SparsityMode.Predicted;

    /// <summary>
    /// Most tokens the session can hold; null: the declared context. On the CPU its key-value cache is allocated at once; on GPUs it
    /// grows with the sequence, 256 positions at a time.
    /// </summary>
    public int? Context { get; init; }

    /// <summary>
    /// How keys and values are stored; null: as the device prefers, which is <see cref="KeyValueType.F32"/> on the CPU and
    /// <see cref="KeyValueType.F16"/> on GPUs. The CPU has all types, GPUs these two: <see cref="LanguageModel.CreateSession"/> refuses what
    /// the device has not.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="KeyValueType"/>.</exception>
    public KeyValueType? CacheType { get; init => field = value is { } type ? EnumArgument.Require(type) : null; }

    /// <summary>
    /// Put prompt tokens through the mode's kernels one by one, as decoding does. Off, the default: prompts are computed dense, in
    /// batches, as in SparseInfer's paper.
    /// </summary>
    public bool SparsePrompt { get; init; }

    /// <summary>Count what the feed-forwards do (<see cref="Session.ReadMetrics"/>) in decoding, and in prompts where <see cref="SparsePrompt"/> is set: dense batches are not counted. Slow: what was skipped is computed to judge the predictor.</summary>
    public bool Metering { get; init; }

    /// <summary>
    /// Take the time of each layer's feed-forward, and of predicting in it (<see cref="Session.ReadMetrics"/>), in decoding. Two stamps
    /// a layer and two a block of predictions; not taken while <see cref="Metering"/> is on, which would distort them.
    /// </summary>
    public bool Timing { get; init; }

    /// <summary>
    /// Gets vectors of every token that is computed, in any mode; null: nobody does. Needs <see cref="ObservedAttribute"/> on the model's class, and the
    /// CPU. Tokens of prompts are then computed one by one, in the same bits, and so is a session of a <see cref="SessionBatch"/>: slower.
    /// </summary>
    public IActivationObserver? Observer { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(SessionOptions),
        (nameof(Mode), Mode),
        (nameof(Context), Context),
        (nameof(CacheType), CacheType),
        (nameof(SparsePrompt), SparsePrompt),
        (nameof(Metering), Metering),
        (nameof(Timing), Timing),
        (nameof(Observer), Observer));
}
