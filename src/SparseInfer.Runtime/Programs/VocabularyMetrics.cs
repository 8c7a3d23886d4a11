using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>
/// What the head of a model with <c>[VocabularyPredictor]</c> did since the meters were reset, for tokens whose logits were asked for; NaN where nothing was
/// counted, and of models without one.
/// </summary>
public readonly record struct VocabularyMetrics
{
    internal VocabularyMetrics(in LayerTally tally, int vocabulary)
    {
        Tokens = tally.Neurons / vocabulary;
        Skipped = tally.Neurons == 0 ? double.NaN : (double)tally.Predicted / tally.Neurons;
        BytesPerToken = Tokens == 0 ? double.NaN : (double)tally.Bytes / Tokens;
    }

    /// <summary>Tokens whose logits were computed.</summary>
    public long Tokens { get; }

    /// <summary>Share of words that got no logit.</summary>
    public double Skipped { get; }

    /// <summary>Bytes of the head's matrix and of the predictor's two that a token touches, on average.</summary>
    public double BytesPerToken { get; }

    /// <summary>What was counted, in one line and the invariant culture.</summary>
    public override string ToString() => Tokens == 0 ? "nothing was counted"
        : FormattableString.Invariant($"{Tokens} tokens, {Skipped:0.0%} of the words skipped, {BytesPerToken:0} bytes a token");
}
