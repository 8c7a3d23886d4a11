using System.Diagnostics;

namespace SparseInfer.Serving;

/// <summary>When what happened to a request.</summary>
internal sealed class AnswerClock
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _begin;
    private long _first;

    public TimeSpan QueueTime => Stopwatch.GetElapsedTime(_start, _begin);

    public TimeSpan TimeToFirst => _first == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_start, _first);

    public TimeSpan SinceBegin => Stopwatch.GetElapsedTime(_begin);

    public TimeSpan Total => Stopwatch.GetElapsedTime(_start);

    /// <summary>The report of an answer that has just ended.</summary>
    /// <param name="reason">Why it ended.</param>
    /// <param name="generation">What was generated.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="cached">Of these, how many were not computed again.</param>
    /// <param name="seed">The seed.</param>
    public ServiceReport ReportOf(FinishReason reason, GenerationReport generation, int prompt, int cached, ulong seed) => new(reason)
    {
        StopString = generation.StopString,
        PromptTokens = prompt,
        CachedTokens = cached,
        CompletionTokens = generation.GeneratedTokens,
        Seed = seed,
        QueueTime = QueueTime,
        PromptTime = generation.PromptTime,
        DecodeTime = generation.DecodeTime,
        TimeToFirstToken = TimeToFirst,
        TotalTime = Total,
    };

    /// <summary>Its turn has come.</summary>
    public void Begin() => _begin = Stopwatch.GetTimestamp();

    /// <summary>Something was generated.</summary>
    public void Arrived() => _first = _first == 0 ? Stopwatch.GetTimestamp() : _first;
}
