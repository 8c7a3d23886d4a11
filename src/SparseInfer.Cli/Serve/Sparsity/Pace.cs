using System.Diagnostics;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>
/// Steps that are computed beside the server's batch. Others share the device with a step of this one after each of theirs: where some are computed, each step waits
/// for as long as the one before took, which leaves them what one more answer in another mode would.
/// </summary>
/// <param name="running">How many answers the server computes beside it.</param>
internal sealed class Pace(Func<int> running)
{
    private TimeSpan _last;

    /// <summary>The most answers that were seen to be computed beside it.</summary>
    public int Others { get; private set; }

    /// <summary>Whether some are computed now.</summary>
    public bool HasOthers => Look() > 0;

    /// <summary>Computes a step on a thread of the pool, when its time has come.</summary>
    /// <param name="step">The step.</param>
    /// <param name="cancellationToken">Ends the waiting, and takes no step.</param>
    public async Task<T> RunAsync<T>(Func<T> step, CancellationToken cancellationToken)
    {
        if (HasOthers)
        {
            await Task.Delay(_last, cancellationToken);
        }

        long start = Stopwatch.GetTimestamp();
        T result = await Task.Run(step, cancellationToken);
        _last = Stopwatch.GetElapsedTime(start);
        Look();
        return result;
    }

    private int Look()
    {
        int now = running();
        Others = Math.Max(Others, now);
        return now;
    }
}
