using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Squares of a token's queries, for each key-value head over the heads that share it: a warp for a key-value head.</summary>
internal static class QueryScoreKernel
{
    public static DeviceKernel Of(CodeWriter code, IlgpuDecoderPlan plan, Slot scores) => new(
        "ScoreQueries",
        RowPlan.Lanes,
        "Squares of a token's queries, for each key-value head over the heads that share it. A warp for a key-value head.",
        [KernelParameter.Quads("queries"), KernelParameter.Floats("scores")],
        () =>
        {
            int quads = plan.Spec.Attention.Heads / plan.Spec.Attention.KeyValueHeads * plan.CachedHead / 4;
            code.Lines($"""
                int lane = Group.IdxX;
                int first = ((Grid.IdxY * {plan.Spec.Attention.KeyValueHeads}) + Grid.IdxX) * {quads};
                float sum = 0f;
                """);
            using (WarpCode.ForEach(code, "i", "lane", quads, RowPlan.Lanes))
            {
                code.Line("sum += Quad.SumOfSquares(queries[first + i]);");
            }

            code.Line();
            code.Line("sum = Lanes.Sum(sum);");
            using (code.Block("if (lane == 0)"))
            {
                code.Line($"scores[(Grid.IdxY * {LaunchCode.PolicyStride(scores)}) + Grid.IdxX] = sum;");
            }
        });
}
