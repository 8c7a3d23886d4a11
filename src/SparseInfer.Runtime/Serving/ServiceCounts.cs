namespace SparseInfer.Serving;

/// <summary>What a <see cref="ModelService"/> does and has done, since it was made. Numbers that count up never go down.</summary>
public sealed record ServiceCounts
{
    /// <summary>Requests that are being computed.</summary>
    public int Running { get; init; }

    /// <summary>Requests that wait for their turn.</summary>
    public int Queued { get; init; }

    /// <summary>Sessions that are kept for what they have computed, and not in use.</summary>
    public int KeptSessions { get; init; }

    /// <summary>Requests that were taken: those that run or wait, and all that ended.</summary>
    public long Requests { get; init; }

    /// <summary>Requests that were refused because the queue was full.</summary>
    public long Refused { get; init; }

    /// <summary>Requests whose answer came to its end.</summary>
    public long Answered { get; init; }

    /// <summary>Requests that were canceled, or whose reader stopped.</summary>
    public long Canceled { get; init; }

    /// <summary>Requests that failed: no memory, a lost device, a stopped service.</summary>
    public long Failed { get; init; }

    /// <summary>Prompt tokens of requests whose computing has begun.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Of these, the tokens that were not computed again.</summary>
    public long CachedTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>Time in which prompts were computed: of requests that ended.</summary>
    public TimeSpan PromptTime { get; init; }

    /// <summary>Time in which tokens were generated, of requests that ended: a step of several sequences counts for each.</summary>
    public TimeSpan DecodeTime { get; init; }

    /// <summary>
    /// Where <see cref="ModelServiceOptions.MeterEvery"/> asks for it, what each layer's feed-forward did in the steps that were metered: sparsity, a
    /// predictor's precision and recall, bytes. Empty where nothing was asked for, and where the device does not count.
    /// </summary>
    public IReadOnlyList<LayerMetrics> Layers { get; init; } = [];

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ServiceCounts),
        (nameof(Running), Running),
        (nameof(Queued), Queued),
        (nameof(KeptSessions), KeptSessions),
        (nameof(Requests), Requests),
        (nameof(Refused), Refused),
        (nameof(Answered), Answered),
        (nameof(Canceled), Canceled),
        (nameof(Failed), Failed),
        (nameof(PromptTokens), PromptTokens),
        (nameof(CachedTokens), CachedTokens),
        (nameof(GeneratedTokens), GeneratedTokens),
        (nameof(PromptTime), PromptTime),
        (nameof(DecodeTime), DecodeTime),
        (nameof(Layers), Layers));
}
