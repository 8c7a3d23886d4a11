using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Cpu;

/// <summary>Turns declarations into plans. Tuning happens here, never in an emitter.</summary>
internal static class Planner
{
    /// <summary>Most slices of a layer's neurons: 1, 2, 3, 4, 6, 8, 12 or 24 workers get as many each.</summary>
    private const int MostSlices = 24;

    /// <summary>Neurons that are worth a partial sum of their own.</summary>
    private const int LeastSlice = 64;

    public static FeedForwardPlan FeedForward(FeedForwardSpec spec, WeightType weights) => new(
        spec,
        weights,
        WeightLayout.Pad(spec.Hidden),
        WeightLayout.Pad(spec.Intermediate),
        Math.Min(Format.Of(weights).Tuning.BlockNeurons, WeightLayout.Pad(spec.Intermediate)),
        Math.Min(MostSlices, (spec.Intermediate + LeastSlice - 1) / LeastSlice),
        Format.Of(weights).Tuning);

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
            Math.Min(Format.Of(spec.Weights[0]).Tuning.PromptBatch, spec.Context));
    }
}
