using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Plan;

/// <summary>How a whole decoder is computed on a CPU.</summary>
/// <param name="PaddedHidden">The residual stream's width, padded to whole vectors.</param>
/// <param name="QueryWidth">Heads x head dimension.</param>
/// <param name="KeyValueWidth">Key-value heads x head dimension: a row of the key cache, and of the value cache.</param>
/// <param name="PromptBatch">Prompt tokens that go through a layer together.</param>
internal sealed record DecoderPlan(
    ModelSpec Spec,
    int PaddedHidden,
    int QueryWidth,
    int PaddedQueryWidth,
    int KeyValueWidth,
    int PromptBatch)
{
    /// <summary>Bytes of weights that one token reads when every neuron is computed, in the first declared weight type.</summary>
    public long DenseBytes => (Spec.Layers * (AttentionBytes + FeedForwardBytes)) + HeadBytes;

    public long HeadBytes => Spec.Vocabulary * WeightLayout.Bytes(Spec.Weights[0], PaddedHidden);

    public long AttentionBytes =>
        ((QueryWidth + (2 * KeyValueWidth)) * WeightLayout.Bytes(Spec.Weights[0], PaddedHidden))
        + (Spec.Hidden * WeightLayout.Bytes(Spec.Weights[0], PaddedQueryWidth));

    public long FeedForwardBytes
    {
        get
        {
            FeedForwardPlan plan = Planner.FeedForward(Spec.FeedForward, Spec.Weights[0]);
            return plan.RowBytes * plan.Intermediate * (plan.InputMatrices + 1);
        }
    }
}
