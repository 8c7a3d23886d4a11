using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Compares the scores that the phase computed.</summary>
internal sealed class LowRankCpuKernel() : SkippingKernelEmitter(LowRankPhase.Kernel, LowRankPhase.Threshold)
{
    public override bool Predicts => true;

    public override IReadOnlyList<Slot> Slots(KernelShape shape) => LowRankPhase.SlotsOf(shape);

    public override string Summary(FeedForwardPlan plan) => LowRankPhase.KernelSummary;

    public override string Keep(string activation) => $"{activation} != 0f";

    public override void EmitSelect(CodeWriter code, FeedForwardPlan plan)
    {
        code.Line("// Predict: list the neurons whose scores are large enough. The list grows by one or by none, without a branch.");
        using (code.Block("for (int i = block; i < end; i++)"))
        {
            code.Line("Unsafe.Add(ref candidate, candidates) = i;");
            code.Line("candidates += Unsafe.Add(ref neuronScores, i) < threshold ? 0 : 1;");
        }
    }
}
