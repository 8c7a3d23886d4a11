using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Kernels that multiply a matrix with one vector, a row for a warp.</summary>
internal sealed class RowKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    /// <summary>The attention's output projection, or the head.</summary>
    /// <param name="norm">What the input is normalised by; null: it is multiplied as it is.</param>
    /// <param name="words">Which rows are computed; null: all.</param>
    /// <param name="heads">Which of a row's loads are made, where heads are chosen; null: all.</param>
    public DeviceKernel Rows(
        string name, string summary, WeightType type, int columns, bool biased, NormStage? norm = null, WordChoice? words = null, KeptHeads? heads = null)
    {
        RowPlan row = RowPlan.Of(type, columns);
        IEnumerable<KernelParameter> bias = biased ? [KernelParameter.Floats("bias")] : [];
        IEnumerable<KernelParameter> weight = norm is null ? [] : [KernelParameter.Quads("weight")];
        return new DeviceKernel(
            name + type,
            IlgpuDecoderPlan.RowThreads,
            summary,
            [.. KernelParameter.Matrix(row), KernelParameter.Quads("x"), .. weight, .. bias, KernelParameter.Int("rows"), KernelParameter.Floats("y"), .. Chosen(words), .. heads is null ? [] : KeptHeads.Parameters],
            () =>
            {
                string input = EmitInput(row, IlgpuDecoderPlan.RowThreads, norm);
                heads?.EmitPlaces(row, IlgpuDecoderPlan.RowThreads);
                code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
                code.Line($"int end = first + {IlgpuDecoderPlan.RowsPerWarp} < rows ? first + {IlgpuDecoderPlan.RowsPerWarp} : rows;");
                if (words is not null)
                {
                    code.Line("uint wants = 0u;");
                    using (code.Block("if (first < end)"))
                    {
                        code.Line("int own = first + lane < end ? first + lane : end - 1;");
                        WordKernels.EmitWants(code, words, "wants", "y[own]", "0");
                    }

                    code.Line();
                    code.Line("uint wanted = Lanes.Bits(wants, lane); // of the warp's rows, the first the lowest");
                }

                string product = norm is null ? "sum" : "product"; // the norm has sums of its own
                using (code.Block("for (int row = first; row < end; row++)"))
                {
                    using (words is null ? default(CodeWriter.Scope?) : code.Block("if (((wanted >> (row - first)) & 1u) != 0u)"))
                    {
                        WarpCode.EmitDot(code, row, product, "words", "scales", "row", input, plan.SharesInput(row), heads is null ? null : KeptHeads.Places);
                        using (code.Block("if (lane == 0)"))
                        {
                            code.Line($"y[row] = {product}{(biased ? " + bias[row]" : "")};");
                        }
                    }

                    if (words is not null)
                    {
                        using (code.Block("else if (lane == 0)"))
                        {
                            code.Line("y[row] = float.NegativeInfinity;");
                        }
                    }
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>
    /// What a policy has in each of a token's experts, which lie one behind the other: y counts the experts of all tokens, so that a token has the bits that it has alone.
    /// </summary>
    public DeviceKernel OfExperts(Project project, WeightType type)
    {
        int rows = project.Matrix.Rows.Size;
        int columns = project.Matrix.Columns!.Size;
        int stride = LaunchCode.PolicyStride(project.To);
        RowPlan row = RowPlan.Of(type, columns);
        return new DeviceKernel(
            $"{project.Matrix.Field}{rows}x{columns}{type}",
            IlgpuDecoderPlan.RowThreads,
            $"{rows} rows of {columns} weights of a policy, in each of the tokens' experts: a row for a warp.",
            [.. KernelParameter.Matrix(row), ExpertCode.Chosen, KernelParameter.Quads("x"), KernelParameter.Floats("y")],
            () =>
            {
                code.Line("// The group's expert: its part of the weights. And its rows of what is read and written.");
                code.Line("int expert = ExpertOfRow(experts);");
                code.Line($"words = words.SubView((long)expert * {rows * row.Stride}, {rows * row.Stride});");
                if (row.IsBlock)
                {
                    code.Line($"scales = scales.SubView((long)expert * {rows * row.Scales}, {rows * row.Scales});");
                }

                (string from, string quads) = project.From.Width is null ? ("Grid.IdxY / ActiveExperts", "HiddenQuads") : ("Grid.IdxY", $"{row.Columns / 4}");
                code.Line($"x = x.SubView({from} * {quads}, {quads});");
                code.Line($"y = y.SubView(Grid.IdxY * {stride}, {stride});");
                string input = EmitInput(row, IlgpuDecoderPlan.RowThreads);
                code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
                code.Line($"int end = first + {IlgpuDecoderPlan.RowsPerWarp} < {rows} ? first + {IlgpuDecoderPlan.RowsPerWarp} : {rows};");
                using (code.Block("for (int row = first; row < end; row++)"))
                {
                    WarpCode.EmitDot(code, row, "sum", "words", "scales", "row", input, plan.SharesInput(row));
                    using (code.Block("if (lane == 0)"))
                    {
                        code.Line("y[row] = sum;");
                    }
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>The parameter that kernels of chosen words have.</summary>
    public static IEnumerable<KernelParameter> Chosen(WordChoice? words) => words is null ? [] : [KernelParameter.Ints("chosen")];

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
