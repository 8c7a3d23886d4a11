namespace SparseInfer.Cli.Eval;

/// <summary>
/// Sums over predicted tokens: how well a policy predicts the text, and how far it is from the dense model. In double precision. A policy of the vocabulary
/// gives some words no logit: where it rules out the text's token, that is counted and no surprise; the dense model's distribution is compared among the
/// words that are left, and what it gives to the others is told apart. Where it gives all to the others, there is nothing to compare: such a token counts
/// for what is told apart alone.
/// </summary>
internal sealed class Predictions
{
    private double _surprise;
    private double _divergence;
    private long _agreeing;
    private long _tokens;
    private long _compared;
    private long _ruledOut;
    private double _ruledOutMass;

    /// <summary>exp of the mean of -log p(token), of tokens that have a logit.</summary>
    public double Perplexity => Math.Exp(_surprise / (_tokens - _ruledOut));

    /// <summary>Share of the text's tokens that got no logit.</summary>
    public double RuledOut => (double)_ruledOut / _tokens;

    /// <summary>What the dense model gives to words without a logit: a token's mean.</summary>
    public double RuledOutMass => _ruledOutMass / _tokens;

    /// <summary>Mean of the Kullback-Leibler divergence of the policy's distribution from the dense model's, in nats, of tokens where they can be compared.</summary>
    public double Divergence => _divergence / _compared;

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
            _compared += double.IsPositiveInfinity(divergence) ? 0 : 1;
            _divergence += double.IsPositiveInfinity(divergence) ? 0 : divergence;
            _agreeing += agrees ? 1 : 0;
        }

        _tokens += tokens.Length;
    }

    /// <summary>log p of a token, in double precision.</summary>
    public static double LogProbability(ReadOnlySpan<float> logits, int token) => float.IsNegativeInfinity(logits[token]) ? double.NegativeInfinity : logits[token] - Normalise(logits, logits).Total;

    private static (double Surprise, double Divergence, bool Agrees, double RuledOut) Compare(ReadOnlySpan<float> logits, ReadOnlySpan<float> dense, int token)
    {
        (int top, double total) = Normalise(logits, logits);
        (int denseTop, double denseTotal) = Normalise(dense, dense);

        // What is left is summed by itself: one less what is ruled out may be nothing where a word is left that has little.
        double left = Normalise(dense, logits).Total;
        bool isCompared = !double.IsNegativeInfinity(left);
        double divergence = isCompared ? 0 : double.PositiveInfinity;
        double ruledOut = 0;
        for (int i = 0; i < dense.Length; i++)
        {
            if (float.IsNegativeInfinity(logits[i]))
            {
                ruledOut += Math.Exp(dense[i] - denseTotal);
            }
            else if (isCompared && Math.Exp(dense[i] - left) is var probability and not 0)
            {
                divergence += probability * (dense[i] - left - (logits[i] - total));
            }
        }

        // Rounding may take a divergence of nothing below it. No word with a logit: the text's has none either.
        double surprise = double.IsNegativeInfinity(logits[top]) ? double.PositiveInfinity : total - logits[token];
        return (surprise, Math.Max(0, divergence), top == denseTop, ruledOut);
    }

    /// <summary>
    /// The largest logit's place, and the log of the sum of all exponentials: the largest is taken out, so that nothing overflows. Of words that
    /// <paramref name="chosen"/> has a logit for; minus infinity is the log of none.
    /// </summary>
    private static (int Top, double Total) Normalise(ReadOnlySpan<float> logits, ReadOnlySpan<float> chosen)
    {
        int top = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            bool isLarger = logits[i] > logits[top] || float.IsNegativeInfinity(chosen[top]);
            top = isLarger && !float.IsNegativeInfinity(chosen[i]) ? i : top;
        }

        if (float.IsNegativeInfinity(chosen[top]) || float.IsNegativeInfinity(logits[top]))
        {
            return (top, double.NegativeInfinity);
        }

        double sum = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            sum += float.IsNegativeInfinity(chosen[i]) ? 0 : Math.Exp((double)logits[i] - logits[top]);
        }

        return (top, logits[top] + Math.Log(sum));
    }
}
