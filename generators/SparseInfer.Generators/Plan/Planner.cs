using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Plan;

/// <summary>Turns declarations into plans. Tuning happens here, never in an emitter.</summary>
internal static class Planner
{
    /// <summary>
    /// A block's gate rows should outlast the cost of changing between predicting and computing, and its list stay in L1.
    /// </summary>
    private const int BlockNeurons = 512;

    public static FeedForwardPlan FeedForward(FeedForwardSpec spec, WeightType weights) => new(
        spec,
        weights,
        WeightLayout.Pad(spec.Hidden),
        WeightLayout.Pad(spec.Intermediate),
        Math.Min(BlockNeurons, WeightLayout.Pad(spec.Intermediate)));

    public static DecoderPlan Decoder(ModelSpec spec)
    {
        int queryWidth = spec.Attention.Heads * spec.Attention.HeadDimension;
        int keyValueWidth = spec.Attention.KeyValueHeads * spec.Attention.HeadDimension;
        return new DecoderPlan(
            spec,
            WeightLayout.Pad(spec.Hidden),
            queryWidth,
            WeightLayout.Pad(queryWidth),
            keyValueWidth,
            Math.Min(DecoderPlan.LargestBatch, spec.Context));
    }
}
