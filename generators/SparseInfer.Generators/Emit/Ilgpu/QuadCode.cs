using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>What the kernels between feed-forwards do with four columns.</summary>
internal static class QuadCode
{
    /// <summary>Writes the sum of the groups' partial sums in ascending order, for quad <paramref name="quad"/>.</summary>
    /// <param name="sum">A variable that is declared.</param>
    /// <param name="place">A variable that is declared here: where the quad lies in a partial sum, whose loads stand thread by thread.</param>
    public static void EmitSlices(CodeWriter code, IlgpuFeedForwardPlan plan, string sum, string quad, string place)
    {
        RowPlan row = plan.Row;
        code.Line($"int {place} = {(row.Quads == 1 ? quad : $"({quad} % {row.Quads} * {row.Words}) + ({quad} / {row.Quads})")};");
        code.Line($"{sum} = partial[{place}];");
        using (code.Block($"for (int slice = 1; slice < {plan.Slices}; slice++)"))
        {
            code.Line($"{sum} = Quad.Add({sum}, partial[(slice * {row.Columns / 4}) + {place}]);");
        }

        if (plan.Spec.Biases)
        {
            code.Line();
            code.Line($"{sum} = Quad.Add({sum}, downBias[{quad}]);");
        }
    }

    /// <summary>Writes how eight lanes make a word of their quads' signs.</summary>
    /// <param name="word">A variable that is declared here; whole in every eighth lane.</param>
    public static void EmitSigns(CodeWriter code, string word, string quad)
    {
        code.Line($"uint {word} = Quad.Signs({quad}) << (lane % 8 * 4);");
        for (int distance = 1; distance < 8; distance *= 2)
        {
            code.Line($"uint {word}_{distance} = Warp.ShuffleXor({word}, {distance});");
            code.Line($"{word} |= {word}_{distance};");
        }
    }
}
