namespace SparseInfer.Models.Tests;

/// <summary>How well a model predicts a text: in windows of 256 predicted tokens, each preceded by the begin-of-sequence token.</summary>
internal static class Perplexity
{
    private const int Window = 256;
    private const int BeginOfSequence = 1;

    public static double Of(Session session, ReadOnlySpan<ushort> text)
    {
        (text.Length % Window).ShouldBe(0);
        Span<int> tokens = stackalloc int[Window];
        float[] logits = new float[Window * Logits.Vocabulary];
        double sum = 0;
        for (int start = 0; start < text.Length; start += Window)
        {
            tokens[0] = BeginOfSequence;
            for (int i = 1; i < Window; i++)
            {
                tokens[i] = text[start + i - 1];
            }

            session.Rewind(0);
            session.Forward(tokens, logits);
            for (int i = 0; i < Window; i++)
            {
                sum += NegativeLogLikelihood(logits.AsSpan(i * Logits.Vocabulary, Logits.Vocabulary), text[start + i]);
            }
        }

        return Math.Exp(sum / text.Length);
    }

    private static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double largest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return Math.Log(sum) + largest - logits[token];
    }
}
