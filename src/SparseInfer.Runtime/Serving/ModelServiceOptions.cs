using SparseInfer.Runtime;

namespace SparseInfer.Serving;

/// <summary>How a <see cref="ModelService"/> shares a model out.</summary>
public sealed record ModelServiceOptions
{
    /// <summary>Timers take no longer one than this and some hours.</summary>
    internal static readonly TimeSpan LongestLimit = TimeSpan.FromDays(49);

    /// <summary>Most requests that are computed at a time, 1 to 16.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not 1 to 16.</exception>
    public int MaxRunning { get; init => field = Require(value, 1, DecoderBatch.MaxStates, nameof(MaxRunning)); } = DecoderBatch.MaxStates;

    /// <summary>Most requests that wait beside those. One more fails at once with <see cref="ServiceBusyException"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxQueued { get; init => field = Require(value, 0, int.MaxValue, nameof(MaxQueued)); } = 64;

    /// <summary>Most tokens of a request, prompt and answer together; null: the declared context. Each session has a cache of that size.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive; or, in the service's constructor, more than the model declares.</exception>
    public int? Context { get; init => field = value is { } tokens ? Require(tokens, 1, int.MaxValue, nameof(Context)) : null; }

    /// <summary>What is skipped where a request does not say.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="SparsityMode"/>.</exception>
    public SparsityMode Mode { get; init => field = EnumArgument.Require(value); } = SparsityMode.Predicted;

    /// <summary>How keys and values are stored: <see cref="SessionOptions.CacheType"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="KeyValueType"/>.</exception>
    public KeyValueType? CacheType { get; init => field = value is { } type ? EnumArgument.Require(type) : null; }

    /// <summary>
    /// Most sessions that are kept when their request has ended, for later requests that begin with the same tokens; those used last are kept. 0 keeps none.
    /// Each has the memory of a session. It changes no answer.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int KeptSessions { get; init => field = Require(value, 0, int.MaxValue, nameof(KeptSessions)); } = 16;

    /// <summary>How long a request may be computed: <see cref="ServiceRequest.TimeLimit"/>. Null: as long as it takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer than 49 days.</exception>
    public TimeSpan? TimeLimit { get; init => field = Require(value, nameof(TimeLimit)); }

    /// <summary>How long a request may wait for its turn before it fails with <see cref="ServiceBusyException"/>. Null: as long as it takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive, or longer than 49 days.</exception>
    public TimeSpan? QueueTimeLimit { get; init => field = Require(value, nameof(QueueTimeLimit)); }

    /// <summary>Most tokens of a prompt between two tokens of running answers: <see cref="SchedulerOptions.PromptSlice"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int? PromptSlice { get; init => field = value is { } tokens ? Require(tokens, 1, int.MaxValue, nameof(PromptSlice)) : null; }

    /// <summary>How a conversation becomes a prompt; null: the model's own <see cref="LanguageModel.ChatTemplate"/>.</summary>
    public ChatTemplate? ChatTemplate { get; init; }

    /// <summary>How the model writes calls of tools; null: as its chat template shows.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="Serving.ToolCallFormat"/>.</exception>
    public ToolCallFormat? ToolCallFormat { get; init => field = value is { } format ? EnumArgument.Require(format) : null; }

    /// <summary>
    /// Meter one of so many steps of decoding, for <see cref="ServiceCounts.Layers"/>; null: none. A metered step computes what was skipped too, to judge it, and takes
    /// as long as a dense one or two; it changes no answer. 64 is seldom enough to cost little. On the CPU.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int? MeterEvery { get; init => field = value is { } steps ? Require(steps, 1, int.MaxValue, nameof(MeterEvery)) : null; }

    /// <summary>
    /// Whether the model was trained so that the beginning of a vector is a vector of the text too (Matryoshka representation learning): then
    /// <see cref="EmbeddingOptions.Dimensions"/> may be fewer than the model's. No file says it.
    /// </summary>
    public bool Matryoshka { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ModelServiceOptions),
        (nameof(MaxRunning), MaxRunning),
        (nameof(MaxQueued), MaxQueued),
        (nameof(Context), Context),
        (nameof(Mode), Mode),
        (nameof(CacheType), CacheType),
        (nameof(KeptSessions), KeptSessions),
        (nameof(TimeLimit), TimeLimit),
        (nameof(QueueTimeLimit), QueueTimeLimit),
        (nameof(PromptSlice), PromptSlice),
        (nameof(ChatTemplate), ChatTemplate is not null),
        (nameof(ToolCallFormat), ToolCallFormat),
        (nameof(MeterEvery), MeterEvery),
        (nameof(Matryoshka), Matryoshka));

    private static int Require(int value, int least, int most, string name) =>
        value >= least && value <= most
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be {(most == int.MaxValue ? $"at least {least}" : $"{least} to {most}")}.");

    private static TimeSpan? Require(TimeSpan? value, string name) =>
        value is null || (value > TimeSpan.Zero && value <= LongestLimit)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be positive, and {LongestLimit.Days} days at most; null is no limit.");
}
