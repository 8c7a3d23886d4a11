namespace SparseInfer.Cli.Serve.Http;

/// <summary>How many bytes of bodies lie in memory at a time, all requests together. A body's beginning is free, so that short requests come through while others send long ones. Safe for several threads.</summary>
/// <param name="limit">Most bytes, of all bodies, beyond what is free.</param>
internal sealed class BodyBudget(long limit)
{
    /// <summary>Bytes of each body that are not counted: of all connections together as many as one budget.</summary>
    public const int Free = 64 << 10;

    private static readonly TimeSpan SoonEnough = TimeSpan.FromSeconds(1);

    private long _taken;

    /// <summary>Takes some.</summary>
    /// <exception cref="ApiException">There are not so many.</exception>
    public void Take(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > limit)
        {
            GiveBack(bytes);
            throw ApiException.Busy("The server is busy: it reads as many long requests as it has room for. Try again in 1 s.", SoonEnough);
        }
    }

    /// <summary>Gives some back.</summary>
    public void GiveBack(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
