using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes down of the fused kernel where weights are no blocks: each thread its columns, the rows that have values in ascending order.</summary>
internal sealed class RowDown(CodeWriter code, IlgpuFeedForwardPlan plan, NeuronValues values)
{
    private readonly RowPlan _row = plan.Row;

    public void Emit()
    {
        bool guarded = _row.Words < plan.Threads;
        code.Line("// Down: each thread its columns, in registers; four rows are under way together.");
        using (guarded ? code.Block("if (thread < RowWords)") : default(CodeWriter.Scope?))
        {
            ForSteps(step => code.Line($"Float4 {List(j => $"{Sum(step, j)} = default")};"), guard: false);
            EmitList();
            code.Line();
            ForSteps(step =>
            {
                for (int j = 0; j < _row.Quads; j++)
                {
                    string offset = WarpCode.Plus((j * _row.Words) + (step * plan.Threads));
                    code.Line($"partial[(Grid.IdxX * HiddenQuads) + thread{offset}] = {Sum(step, j)};");
                }
            });
        }
    }

    private void EmitList()
    {
        const int Together = IlgpuFeedForwardPlan.DownRowsAtOnce;
        if (values.IsWhole)
        {
            using (code.Block($"for (int next = 0; next < {values.Count}; next += {Together})"))
            {
                EmitRows(Together);
            }

            return;
        }

        code.Line("int next = 0;");
        using (code.Block($"for (; next + {Together} <= {values.Count}; next += {Together})"))
        {
            EmitRows(Together);
        }

        code.Line();
        using (code.Block($"for (; next < {values.Count}; next++)"))
        {
            EmitRows(1);
        }
    }

    /// <summary>Writes what some rows of down add to the sums.</summary>
    private void EmitRows(int together)
    {
        for (int k = 0; k < together; k++)
        {
            string place = k == 0 ? "next" : $"next + {k}";
            code.Line($"int row{k} = ({values.Neuron(place)} * RowWords) + thread;");
            code.Line($"float value{k} = values[{place}];");
        }

        ForSteps(step =>
        {
            for (int k = 0; k < together; k++)
            {
                code.Line($"Words4 down{step}_{k} = w.Down[row{k}{WarpCode.Plus(step * plan.Threads)}];");
            }

            for (int k = 0; k < together; k++)
            {
                code.Line($"{plan.Weights}.AddScaled(down{step}_{k}, value{k}, {List(j => $"ref {Sum(step, j)}")});");
            }
        });
    }

    /// <summary>Writes something for each step of down; the last step may be for some threads only.</summary>
    private void ForSteps(Action<int> emit, bool guard = true)
    {
        for (int step = 0; step < plan.DownSteps; step++)
        {
            int rest = _row.Words - (step * plan.Threads);
            using (guard && step > 0 && rest < plan.Threads ? code.Block($"if (thread < {rest})") : default(CodeWriter.Scope?))
            {
                emit(step);
            }
        }
    }

    private string List(Func<int, string> item) => string.Join(", ", Enumerable.Range(0, _row.Quads).Select(item));

    private static string Sum(int step, int j) => $"y{step}_{j}";
}
