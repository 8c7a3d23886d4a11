using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.PromptNeurons;

/// <summary>Takes the neurons that the token's sequence has chosen, one for a lane.</summary>
internal sealed class PromptNeuronsIlgpuKernel() : IlgpuKernelEmitter("PromptNeurons")
{
    public override string Summary(IlgpuFeedForwardPlan plan) => PromptNeuronsCpuKernel.Text;

    public override IReadOnlyList<TokenData> Reads(IlgpuFeedForwardPlan plan) =>
        [new ChosenOfToken(PromptNeuronsSpec.Chosen(new Dimension("Intermediate", plan.Intermediate)))];

    public override bool Predicts => true;

    public override string PredictionText => "look up what is chosen";

    public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan) => code.Lines($"""
        // Select: {PredictionText}, a neuron for a lane.
        int looked = firstOfWarp + lane < Intermediate ? firstOfWarp + lane : Intermediate - 1;
        kept = Lanes.Bits(lane < WarpNeurons ? (promptNeurons[looked >> 5] >> (looked & 31)) & 1u : 0u, lane);
        """);

    public override void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
    {
        code.Line("int words = (token < tokens ? token : tokens - 1) * (ActivatedStride / 32);");
        foreach ((string pair, int k) in new[] { ("AB", 0), ("CD", 2) })
        {
            string neuron = k == 0 ? "firstOfWarp + n + own" : $"firstOfWarp + n + {k} + own";
            code.Line($"int looked{pair} = {neuron} < Intermediate ? {neuron} : Intermediate - 1;");
            code.Line($"uint wants{pair} = token < tokens ? (promptNeurons[words + (looked{pair} >> 5)] >> (looked{pair} & 31)) & 1u : 0u;");
        }
    }
}
