namespace SparseInfer.Sampling;

/// <summary>How probable a model found a token that was chosen, and the most probable ones in its place.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProb">The natural logarithm of its probability.</param>
/// <param name="Top">The most probable tokens, the first one first.</param>
/// <param name="TopLogProbs">Their logarithms.</param>
internal sealed record TokenScore(int Token, double LogProb, int[] Top, double[] TopLogProbs);

/// <summary>The logarithm of the softmax of logits.</summary>
internal static class LogProbabilities
{
    /// <summary>Scores a token by the logits that it was chosen from, before penalties and temperature.</summary>
    /// <param name="logits">One logit a token.</param>
    /// <param name="token">The token.</param>
    /// <param name="top">How many of the most probable tokens are told, at least 0.</param>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or all are negative infinity.</exception>
    public static TokenScore Of(ReadOnlySpan<float> logits, int token, int top)
    {
        double maximum = LogitScan.Maximum(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += PortableExp.OfNonPositive(logit - maximum);
        }

        double total = maximum + Math.Log(sum);
        int[] tokens = new int[Math.Min(top, logits.Length)];
        if (tokens.Length > 0)
        {
            TopLogits.Select(logits, tokens);
        }

        double[] topLogProbs = new double[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            topLogProbs[i] = logits[tokens[i]] - total;
        }

        return new TokenScore(token, logits[token] - total, tokens, topLogProbs);
    }
}
