using System.Diagnostics;

namespace SparseInfer.Benchmarks;

/// <summary>A piece of work that every peer does in its turn.</summary>
/// <param name="Name">What its row is called.</param>
/// <param name="Depth">Tokens that the long sequence has before.</param>
/// <param name="Added">Tokens that it adds to them.</param>
/// <param name="DenseOnly">Whether all modes do the same: prompts are computed dense.</param>
/// <param name="Run">Does it; the number of tokens computed.</param>
internal sealed record PeerTest(string Name, int Depth, int Added, bool DenseOnly, Func<Peer, int[], int> Run)
{
    private const int Prompt = 512;
    private const int DecodedTokens = 24;
    private const int TogetherSteps = 8;

    /// <summary>Names that <c>--tests</c> takes.</summary>
    public static readonly string[] Names = ["decode", "prompt", "together", "context"];

    /// <summary>The tests that were asked for.</summary>
    /// <param name="names">Which.</param>
    /// <param name="context">The model's.</param>
    /// <param name="sequences">Numbers of sequences that are decoded together.</param>
    public static IReadOnlyList<PeerTest> Of(IReadOnlyList<string> names, int context, IReadOnlyList<int> sequences)
    {
        int depth = Math.Min(4000, context - DecodedTokens);
        int prompt = Math.Min(Prompt, context);
        PeerTest[][] all =
        [
            [new("decode", 1, DecodedTokens, DenseOnly: false, Decode)],
            [new($"prompt of {prompt}", 0, prompt, DenseOnly: true, (peer, tokens) =>
            {
                peer.Prompt(tokens.AsSpan(0, prompt));
                return prompt;
            })],
            [.. sequences.Select(Together)],
            [new($"decode after {depth:N0} tokens", depth, DecodedTokens, DenseOnly: false, Decode)],
        ];
        return [.. Names.Zip(all).Where(pair => names.Contains(pair.First)).SelectMany(pair => pair.Second)];
    }

    /// <summary>Tokens that sequences decoded together need.</summary>
    public static int TogetherTokens(int sequences) => TogetherSteps * sequences;

    private static PeerTest Together(int sequences) => new($"{sequences} sequences together", 0, 1, DenseOnly: false, (peer, tokens) =>
    {
        for (int step = 0; step < TogetherSteps; step++)
        {
            peer.Together(tokens.AsSpan(step * sequences, sequences));
        }

        return TogetherTokens(sequences);
    });

    /// <summary>Tokens a second in each round, of each peer.</summary>
    /// <param name="peers">They take turns.</param>
    /// <param name="tokens">Random tokens.</param>
    /// <param name="rounds">Turns that each gets.</param>
    /// <param name="cancellationToken">Ends it between two turns.</param>
    public double[][] Measure(IReadOnlyList<Peer> peers, int[] tokens, int rounds, CancellationToken cancellationToken)
    {
        double[][] rates = [.. peers.Select(_ => new double[rounds])];
        foreach (Peer peer in peers)
        {
            Time(peer, tokens); // what is compiled, and what is read for the first time
        }

        for (int round = 0; round < rounds; round++)
        {
            foreach (int i in Alternation.Turns(round, peers.Count))
            {
                cancellationToken.ThrowIfCancellationRequested();
                rates[i][round] = Time(peers[i], tokens);
            }
        }

        return rates;
    }

    private double Time(Peer peer, int[] tokens)
    {
        peer.Rewind(Depth);
        peer.RewindTogether();
        long start = Stopwatch.GetTimestamp();
        int computed = Run(peer, tokens);
        return computed / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static int Decode(Peer peer, int[] tokens)
    {
        for (int i = 0; i < DecodedTokens; i++)
        {
            peer.Prompt(tokens.AsSpan(i, 1));
        }

        return DecodedTokens;
    }
}
