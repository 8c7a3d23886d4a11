namespace SparseInfer.Cli.Eval;

/// <summary>
/// Sums over predicted tokens: how well a policy predicts the text, and how far it is from the dense model. In double precision. A policy of the vocabulary
/// gives some words no logit: where it rules out the text's token, that is counted and no surprise; the dense model's distribution is compared among the
/// words that are left, and what it gives to the others is told apart.
/// </summary>
internal sealed class Predictions
{
    private double _surprise;
    private double _divergence;
    private long _agreeing;
    private long _tokens;
    private long _ruledOut;
    private double _ruledOutMass;

    /// <summary>exp of the mean of -log p(token), of tokens that have a logit.</summary>
    public double Perplexity => Math.Exp(_surprise / (_tokens - _ruledOut));

    /// <summary>Share of the text's tokens that got no logit.</summary>
    public double RuledOut => (double)_ruledOut / _tokens;

    /// <summary>What the dense model gives to words without a logit: a token's mean.</summary>
    public double RuledOutMass => _ruledOutMass / _tokens;

    /// <summary>Mean of the Kullback-Leibler divergence of the policy's distribution from the dense model's, in nats.</summary>
    public double Divergence => _divergence / _tokens;

    /// <summary>Share of tokens where both find the same one most probable.</summary>
    public double TopAgreement => (double)_agreeing / _tokens;

    /// <summary>Adds tokens.</summary>
    /// <param name="logits">The policy's: a row a token, from the first on.</param>
    /// <param name="dense">The dense model's; may be the same.</param>
    /// <param name="targets">The tokens that the text has.</param>
    /// <param name="vocabulary">Logits of a row.</param>
    public void Add(float[] logits, float[] dense, ReadOnlySpan<int> targets, int vocabulary)
    {
        int[] tokens = targets.ToArray();
        var rows = new (double Surprise, double Divergence, bool Agrees, double RuledOut)[tokens.Length];
        Parallel.For(0, tokens.Length, i => rows[i] = Compare(
            logits.AsSpan(i * vocabulary, vocabulary), dense.AsSpan(i * vocabulary, vocabulary), tokens[i]));

        // In order, so that the last digit does not depend on which thread was first.
        foreach ((double surprise, double divergence, bool agrees, double ruledOut) in rows)
        {
            _ruledOut += double.IsPositiveInfinity(surprise) ? 1 : 0;
            _ruledOutMass += ruledOut;
            _surprise += double.IsPositiveInfinity(surprise) ? 0 : surprise;
            _divergence += divergence;
            _agreeing += agrees ? 1 : 0;
        }

        _tokens += tokens.Length;
    }

    /// <summary>log p of a token, in double precision.</summary>
    public static double LogProbability(ReadOnlySpan<float> logits, int token) => logits[token] - Normalise(logits).Total;

    private static (double Surprise, double Divergence, bool Agrees, double RuledOut) Compare(ReadOnlySpan<float> logits, ReadOnlySpan<float> dense, int token)
    {
        (int top, double total) = Normalise(logits);
        (int denseTop, double denseTotal) = Normalise(dense);
        double divergence = 0;
        double ruledOut = 0;
        for (int i = 0; i < dense.Length; i++)
        {
            double log = dense[i] - denseTotal;
            double probability = Math.Exp(log);
            if (float.IsNegativeInfinity(logits[i]))
            {
                ruledOut += probability;
            }
            else
            {
                divergence += probability * (log - (logits[i] - total));
            }
        }

        if (ruledOut > 0)
        {
            // Among the words that are left: their probabilities are divided by their sum.
            divergence = (divergence / (1 - ruledOut)) - Math.Log(1 - ruledOut);
        }

        // Rounding may take a divergence of nothing below it.
        return (total - logits[token], Math.Max(0, divergence), top == denseTop, ruledOut);
    }

    /// <summary>The largest logit's place, and the log of the sum of all exponentials: the largest is taken out, so that nothing overflows.</summary>
    private static (int Top, double Total) Normalise(ReadOnlySpan<float> logits)
    {
        int top = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            top = logits[i] > logits[top] ? i : top;
        }

        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp((double)logit - logits[top]);
        }

        return (top, logits[top] + Math.Log(sum));
    }
}
