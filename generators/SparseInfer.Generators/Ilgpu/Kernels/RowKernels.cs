using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Kernels that multiply a matrix with one vector, a row for a warp.</summary>
internal sealed class RowKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    /// <summary>The attention's output projection, or the head.</summary>
    /// <param name="norm">What the input is normalised by; null: it is multiplied as it is.</param>
    public DeviceKernel Rows(string name, string summary, WeightType type, int columns, bool biased, NormStage? norm = null)
    {
        RowPlan row = RowPlan.Of(type, columns);
        IEnumerable<KernelParameter> bias = biased ? [KernelParameter.Floats("bias")] : [];
        IEnumerable<KernelParameter> weight = norm is null ? [] : [KernelParameter.Quads("weight")];
        return new DeviceKernel(
            name + type,
            IlgpuDecoderPlan.RowThreads,
            summary,
            [.. KernelParameter.Matrix(row), KernelParameter.Quads("x"), .. weight, .. bias, KernelParameter.Int("rows"), KernelParameter.Floats("y")],
            () =>
            {
                string input = EmitInput(row, IlgpuDecoderPlan.RowThreads, norm);
                code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
                code.Line($"int end = first + {IlgpuDecoderPlan.RowsPerWarp} < rows ? first + {IlgpuDecoderPlan.RowsPerWarp} : rows;");
                string product = norm is null ? "sum" : "product"; // the norm has sums of its own
                using (code.Block("for (int row = first; row < end; row++)"))
                {
                    WarpCode.EmitDot(code, row, product, "words", "scales", "row", input, plan.SharesInput(row));
                    using (code.Block("if (lane == 0)"))
                    {
                        code.Line($"y[row] = {product}{(biased ? " + bias[row]" : "")};");
                    }
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>Writes how a group gets its input, and what it is called then.</summary>
    /// <param name="threads">Threads of the group.</param>
    /// <param name="norm">What the input is normalised by on the way; null: it is wanted as it is.</param>
    public string EmitInput(RowPlan row, int threads, NormStage? norm = null)
    {
        bool shared = plan.SharesInput(row);
        if (shared)
        {
            WarpCode.EmitInput(code, row);
        }

        norm?.EmitShared();
        code.Lines(WarpCode.Place);
        if (norm is not null)
        {
            code.Line();
            norm.EmitScale();
            code.Line();
        }

        if (shared)
        {
            WarpCode.EmitStage(code, row, threads, norm);
            code.Line();
            code.Line("Group.Barrier();");
        }

        return shared ? "input" : "x";
    }
}
