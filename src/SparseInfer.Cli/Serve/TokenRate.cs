using System.Diagnostics;

namespace SparseInfer.Cli.Serve;

/// <summary>How fast a count has grown of late.</summary>
internal sealed class TokenRate : IDisposable
{
    private const int Samples = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Func<long> _count;
    private readonly Queue<(long Time, long Count)> _samples = new();
    private readonly Timer _timer;

    /// <summary>Looks at a count each second.</summary>
    public TokenRate(Func<long> count)
    {
        _count = count;
        _samples.Enqueue((Stopwatch.GetTimestamp(), 0));
        _timer = new Timer(_ => Sample(), null, Interval, Interval);
    }

    /// <summary>A second, in the last ten.</summary>
    public double PerSecond
    {
        get
        {
            lock (_samples)
            {
                (long time, long count) = _samples.Peek();
                double seconds = Stopwatch.GetElapsedTime(time).TotalSeconds;
                return seconds > 0 ? (_count() - count) / seconds : 0;
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Sample()
    {
        lock (_samples)
        {
            _samples.Enqueue((Stopwatch.GetTimestamp(), _count()));
            if (_samples.Count > Samples)
            {
                _samples.Dequeue();
            }
        }
    }
}
