using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>How a whole decoder is computed on a CPU. A pure function of the declaration.</summary>
/// <param name="PromptBatch">Prompt tokens that go through a layer together.</param>
internal sealed record DecoderPlan(DecoderShape Shape, int PromptBatch)
{
    public ModelSpec Spec => Shape.Spec;

    public IEnumerable<FeedForwardPlan> FeedForwards => Spec.FeedForwardTypes.Select(
        type => FeedForwardPlan.Of(new(Spec.FeedForward, type) { ByChannels = InputChannels.AreOfNeurons(Spec) }, Spec.FeedForwardTypes));

    public static DecoderPlan Of(ModelSpec spec) =>
        new(new(spec), Math.Min(Format.Of(spec.FeedForwardTypes[0]).Tuning.PromptBatch, spec.Context));
}
