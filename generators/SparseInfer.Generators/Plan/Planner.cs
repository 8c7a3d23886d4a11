using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Plan;

/// <summary>Turns declarations into plans. Tuning happens here, never in an emitter.</summary>
internal static class Planner
{
    public static FeedForwardPlan FeedForward(FeedForwardSpec spec, WeightType weights) => new(
        spec,
        weights,
        WeightLayout.Pad(spec.Hidden),
        WeightLayout.Pad(spec.Intermediate),
        Math.Min(KernelTuning.Of(weights).BlockNeurons, WeightLayout.Pad(spec.Intermediate)),
        KernelTuning.Of(weights));

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
            Math.Min(KernelTuning.Of(spec.Weights[0]).PromptBatch, spec.Context));
    }
}
