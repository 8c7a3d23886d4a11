using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>Compares the scores that launches before it computed, a neuron for a lane.</summary>
internal sealed class LowRankIlgpuKernel() : IlgpuKernelEmitter(LowRankPhase.Kernel, LowRankPhase.Threshold)
{
    public override IReadOnlyList<Slot> Slots(KernelShape shape) => LowRankPhase.SlotsOf(shape);

    public override string Summary(IlgpuFeedForwardPlan plan) => LowRankPhase.KernelSummary;

    public override bool Predicts => true;

    public override string PredictionText => "compare scores";

    public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan) => code.Lines($"""
        // Predict: {PredictionText}, a neuron for a lane.
        int scored = firstOfWarp + lane < Intermediate ? firstOfWarp + lane : Intermediate - 1;
        kept = Lanes.Bits(neuronScores[scored] < threshold ? 0u : {(plan.WarpNeurons == RowPlan.Lanes ? "1u" : "lane < WarpNeurons ? 1u : 0u")}, lane);
        """);

    public override void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
    {
        code.Line("int scores = (token < tokens ? token : tokens - 1) * ActivatedStride;");
        foreach ((string pair, int k) in new[] { ("AB", 0), ("CD", 2) })
        {
            string neuron = k == 0 ? "firstOfWarp + n + own" : $"firstOfWarp + n + {k} + own";
            code.Line($"int scored{pair} = {neuron} < Intermediate ? {neuron} : Intermediate - 1;");
            code.Line($"uint wants{pair} = neuronScores[scores + scored{pair}] < threshold ? 0u : token < tokens ? 1u : 0u;");
        }
    }
}
