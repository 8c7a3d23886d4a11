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

    /// <summary>Its turn has come.</summary>
    public void Begin() => _begin = Stopwatch.GetTimestamp();

    /// <summary>Something was generated.</summary>
    public void Arrived() => _first = _first == 0 ? Stopwatch.GetTimestamp() : _first;
}
