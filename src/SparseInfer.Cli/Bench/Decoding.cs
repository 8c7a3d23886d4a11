using System.Diagnostics;

namespace SparseInfer.Cli.Bench;

/// <summary>How long a session takes: what <c>bench</c> and <c>eval</c> time.</summary>
internal static class Decoding
{
    /// <summary>Runs a prompt, then decodes tokens one by one, after so many that are there.</summary>
    /// <param name="session">Its mode, and whether time stamps are taken inside, stay as they were set.</param>
    /// <param name="depth">Tokens that stay in the key-value cache.</param>
    /// <param name="prompt">May be empty.</param>
    /// <param name="generated">May be empty.</param>
    /// <param name="cancellationToken">Ends it at the next token.</param>
    /// <returns>The time, and the managed bytes allocated.</returns>
    public static (long Nanoseconds, long Allocated) Time(
        Session session, int depth, ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated, CancellationToken cancellationToken)
    {
        session.Rewind(depth);
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        if (prompt.Length > 0)
        {
            session.Forward(prompt);
        }

        for (int i = 0; i < generated.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Forward(generated.Slice(i, 1));
        }

        long nanoseconds = (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return (nanoseconds, GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }
}
