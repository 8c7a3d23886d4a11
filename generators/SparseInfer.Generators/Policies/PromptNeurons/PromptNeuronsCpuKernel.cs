using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.PromptNeurons;

/// <summary>Takes the neurons that the token's sequence has chosen.</summary>
internal sealed class PromptNeuronsCpuKernel() : SkippingKernelEmitter("PromptNeurons")
{
    public override bool Predicts => true;

    public const string Text =
        "Neurons chosen by the prompts of the token's sequence (GRIFFIN, arXiv 2404.01365): the others are left out, unread. Without a prompt all are chosen.";

    public override string Summary(FeedForwardPlan plan) => Text;

    // A bit for each of a worker's neurons.
    public override int SideWords(FeedForwardPlan plan) => (plan.PaddedIntermediate + 63) / 64;

    public override string Keep(string activation) => $"{activation} != 0f";

    public override void EmitSelect(CodeWriter code, FeedForwardPlan plan)
    {
        code.Line("// Select: list the block's neurons that are chosen.");
        code.Line("candidates = NeuronBits.List(ref Unsafe.Add(ref slot.Chosen, (block - from) / NeuronBits.WordNeurons), block, end - block, ref candidate);");
    }
}
