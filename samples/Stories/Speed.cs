using SparseInfer;

namespace Stories;

/// <summary>Decoding speed of several contenders on one prompt, metering off.</summary>
internal static class Speed
{
    /// <summary>The best of so many runs counts: whatever else the machine does can only slow one down.</summary>
    public const int Rounds = 8;

    private const int Tokens = 64;

    /// <summary>Tokens a second for each contender.</summary>
    /// <param name="contenders">They take turns, so that a busy moment of the machine hits all of them.</param>
    /// <param name="prompt">The text that all continue.</param>
    /// <param name="runDone">Called after each run.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<double[]> RunAsync(
        IReadOnlyList<Contender> contenders, string prompt, Action runDone, CancellationToken cancellationToken)
    {
        var best = new double[contenders.Count];

        // The first round is the JIT compiler's.
        for (int round = 0; round <= Rounds; round++)
        {
            for (int i = 0; i < contenders.Count; i++)
            {
                double speed = await RunAsync(contenders[i], prompt, cancellationToken);
                best[i] = round == 0 ? double.NaN : double.MaxNumber(best[i], speed);
                runDone();
            }
        }

        return best;
    }

    private static async Task<double> RunAsync(Contender contender, string prompt, CancellationToken cancellationToken)
    {
        using Session session = contender.Model.CreateSession(new() { Mode = contender.Mode });
        var options = new GenerationOptions { MaxTokens = Tokens, Temperature = 0, IgnoreEndOfSequence = true };
        await foreach (string _ in session.GenerateAsync(prompt, options, cancellationToken))
        {
        }

        return session.LastGeneration is { DecodedTokens: > 0 } report ? report.TokensPerSecond : double.NaN;
    }
}
