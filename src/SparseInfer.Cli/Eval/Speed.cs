using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Eval;

/// <summary>How fast a policy decodes.</summary>
/// <param name="TokensPerSecond">The median of the rounds.</param>
/// <param name="DenseTokensPerSecond">The same model's in Dense mode, in turns with it.</param>
internal readonly record struct Speed(double TokensPerSecond, double DenseTokensPerSecond)
{
    /// <summary>Tokens of the text that stand before those that are timed.</summary>
    public const int Prompt = 32;

    private const int Rounds = 5;

    /// <summary>
    /// Decodes the text's own tokens one by one, after the first <see cref="Prompt"/>: once in each mode to warm up, then in turns, since a machine drifts by more
    /// than policies differ. The prompt is computed dense, as in normal use, and nothing is metered.
    /// </summary>
    /// <param name="model">The policy's.</param>
    /// <param name="tokens">The prompt, and what is decoded after it.</param>
    /// <param name="cancellationToken">Ends it at the next token.</param>
    public static Speed Of(LanguageModel model, int[] tokens, CancellationToken cancellationToken)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense, Context = tokens.Length });
        session.Forward(tokens.AsSpan(0, Prompt));
        SparsityMode[] modes = [SparsityMode.Dense, SparsityMode.Predicted];
        List<double>[] rates = [[], []];
        for (int round = 0; round <= Rounds; round++)
        {
            for (int i = 0; i < modes.Length; i++)
            {
                session.Mode = modes[i];
                (long nanoseconds, _) = Decoding.Time(session, Prompt, [], tokens.AsSpan(Prompt), cancellationToken);
                if (round > 0)
                {
                    rates[i].Add((tokens.Length - Prompt) * 1e9 / nanoseconds);
                }
            }
        }

        return new(Statistics.Median(rates[1]), Statistics.Median(rates[0]));
    }
}
