using SparseInfer;

namespace Stories;

/// <summary>Perplexity on the held-out text, and what each layer did meanwhile.</summary>
internal static class Evaluation
{
    /// <summary>Evaluates one contender.</summary>
    /// <param name="contender">Which.</param>
    /// <param name="text">On what.</param>
    /// <param name="windowDone">Called after each window.</param>
    /// <param name="cancellationToken">Ends it between two windows.</param>
    public static (double Perplexity, IReadOnlyList<LayerMetrics> Layers) Run(
        Contender contender, HeldOutText text, Action windowDone, CancellationToken cancellationToken)
    {
        LanguageModel model = contender.Model;
        int vocabulary = model.Shape.Vocabulary;

        // SparsePrompt: a window is one long prompt, and prediction shall be on at every position of it.
        using Session session = model.CreateSession(new()
        {
            Mode = contender.Mode,
            Context = HeldOutText.Window,
            SparsePrompt = true,
            Metering = true,
        });
        var logits = new float[HeldOutText.Window * vocabulary];
        double sum = 0;
        for (int window = 0; window < text.Windows; window++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<int> targets = text.Targets(window);
            session.Rewind(0);
            session.Forward([model.Tokenizer.BeginOfSequence ?? 0, .. targets[..^1]], logits);
            for (int i = 0; i < targets.Length; i++)
            {
                sum -= LogProbability(logits.AsSpan(i * vocabulary, vocabulary), targets[i]);
            }

            windowDone();
        }

        return (Math.Exp(sum / text.Tokens), session.ReadMetrics());
    }

    /// <summary>The log of softmax, with the greatest logit taken out so that nothing overflows.</summary>
    private static double LogProbability(ReadOnlySpan<float> logits, int token)
    {
        double greatest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            greatest = Math.Max(greatest, logit);
        }

        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - greatest);
        }

        return logits[token] - greatest - Math.Log(sum);
    }
}
