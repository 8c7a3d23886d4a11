using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>What the kernels between feed-forwards do with four columns.</summary>
internal static class QuadCode
{
    /// <summary>Partial sums whose loads are under way together: one group reads them all, and has few warps to wait with.</summary>
    private const int SlicesAtOnce = 8;

    /// <summary>Writes the sum of the groups' partial sums in ascending order, for quad <paramref name="quad"/>.</summary>
    /// <param name="sum">A variable that is declared.</param>
    /// <param name="place">A variable that is declared here: where the quad lies in a partial sum, whose loads stand thread by thread.</param>
    public static void EmitSlices(CodeWriter code, IlgpuFeedForwardPlan plan, string sum, string quad, string place)
    {
        RowPlan row = plan.Row;
        code.Line($"int {place} = {(row.Quads == 1 ? quad : $"(({quad} & {row.Quads - 1}) * {row.Words}) + ({quad} / {row.Quads})")};");
        code.Line($"{sum} = partial[{place}];");
        int looped = (plan.Slices - 1) / SlicesAtOnce * SlicesAtOnce;
        if (looped > 0)
        {
            using (code.Block($"for (int slice = 1; slice < {1 + looped}; slice += {SlicesAtOnce})"))
            {
                EmitLoads("Slice", SlicesAtOnce, k => k == 0 ? "slice" : $"(slice + {k})");
            }
        }

        EmitLoads("Rest", plan.Slices - 1 - looped, k => $"{1 + looped + k}");
        if (plan.Spec.Biases)
        {
            code.Line();
            code.Line($"{sum} = Quad.Add({sum}, downBias[{quad}]);");
        }

        void EmitLoads(string name, int count, Func<int, string> slice)
        {
            for (int k = 0; k < count; k++)
            {
                code.Line($"Float4 {sum}{name}{k} = partial[({slice(k)} * {row.Columns / 4}) + {place}];");
            }

            for (int k = 0; k < count; k++)
            {
                code.Line($"{sum} = Quad.Add({sum}, {sum}{name}{k});");
            }
        }
    }
}
