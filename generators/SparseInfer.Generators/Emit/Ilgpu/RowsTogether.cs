using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>
/// A matrix times the inputs of several sequences' tokens: its rows are read once, four for a warp, whose lanes keep every token's sums in registers.
/// A lane meets the loads that it meets for one token, in their order, so that each token's sums have the bits that <see cref="RowKernels"/> give it.
/// </summary>
/// <param name="row">A row of the matrix.</param>
internal sealed class RowsTogether(CodeWriter code, RowPlan row)
{
    private const int Threads = IlgpuDecoderPlan.RowThreads;
    private const int Tokens = IlgpuDecoderPlan.TogetherTokens;

    private static readonly string[] Rows = ["A", "B", "C", "D"];

    /// <summary>One load's inputs of all tokens, in shared memory as those of as many loads of one token.</summary>
    private readonly RowPlan _staged = new(row.Weights, Tokens * RowPlan.Lanes * row.PerLoad);

    /// <summary>Quads of a token's input that meet a warp's load.</summary>
    private int StagedQuads => RowPlan.Lanes * row.Quads;

    public DeviceKernel Kernel() => new(
        $"RowsTogether{row.Weights}x{row.Columns}",
        $"Rows of {row.Columns} weights with the tokens of up to {Tokens} sequences: four rows for a warp, which reads them once.",
        [
            .. RowKernels.Matrix(row), KernelParameter.Quads("x"), KernelParameter.Int("tokens"), KernelParameter.Int("rows"),
            KernelParameter.Int("firstRow"), KernelParameter.Floats("y"), KernelParameter.Int("stride"),
        ],
        () =>
        {
            WarpCode.EmitInput(code, _staged);
            if (row.IsBlock)
            {
                code.Line("ArrayView<uint> inputWords = input.Cast<uint>();");
            }

            code.Lines(WarpCode.Place);
            EmitRows();
            code.Line();
            code.Line($"int inputs = tokens * {StagedQuads};");
            for (int token = 0; token < Tokens; token++)
            {
                code.Line($"Float4 sums{token} = default;");
            }

            using (row.Steps == 1 ? default(CodeWriter.Scope?) : code.Block($"for (int step = 0; step < {row.Steps}; step++)"))
            {
                EmitStage();
                code.Line();
                code.Line("Group.Barrier();");
                EmitProducts();
                if (row.Steps > 1)
                {
                    code.Line();
                    code.Line("Group.Barrier();");
                }
            }

            code.Line();
            EmitSums();
        });

    /// <summary>Writes where a lane's loads of its warp's rows begin: the last row again where there are no more.</summary>
    private void EmitRows()
    {
        code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
        for (int i = 1; i < Rows.Length; i++)
        {
            code.Line($"int row{Rows[i]} = first + {i} < rows ? first + {i} : rows - 1;");
        }

        for (int i = 0; i < Rows.Length; i++)
        {
            code.Line($"int words{Rows[i]} = ({Row(i)} * {row.Words}) + lane;");
        }

        for (int i = 0; i < Rows.Length && row.IsBlock; i++)
        {
            code.Line($"int scales{Rows[i]} = ({Row(i)} * {row.Scales}) + {WarpCode.BlockOfLane(row)};");
        }

        static string Row(int i) => i == 0 ? "first" : $"row{Rows[i]}";
    }

    private void EmitStage()
    {
        int quads = row.Columns / 4;
        int shift = StagedQuads;
        using (code.Block($"for (int i = thread; i < inputs; i += {Threads})"))
        {
            string ofStep = row.Steps == 1 ? "" : $"(step * {shift}) + ";
            string quad = row.IsBlock ? $"(i & {shift - 1})"
                : row.Quads == 1 ? "(i & 31)"
                : $"((i & 31) * {row.Quads}) + ((i / 32) & {row.Quads - 1})";
            if (quads == row.Steps * shift)
            {
                code.Line($"Float4 quad = x[(i / {shift} * {quads}) + {ofStep}{quad}];");
            }
            else
            {
                code.Line($"int quadOfInput = {ofStep}{quad};");
                code.Line("Float4 quad = default;");
                using (code.Block($"if (quadOfInput < {quads})"))
                {
                    code.Line($"quad = x[(i / {shift} * {quads}) + quadOfInput];");
                }

                code.Line();
            }

            if (row.IsBlock)
            {
                BlockCode.EmitRounded(code, _staged, "i", guard: null);
            }
            else
            {
                code.Line("input[i] = quad;");
            }
        }
    }

    /// <summary>Writes what one load of a lane adds to all sums.</summary>
    private void EmitProducts()
    {
        string ofStep = row.Steps == 1 ? "" : $" + (step * {RowPlan.Lanes})";
        string scaleOfStep = row.Steps == 1 ? "" : $" + (step * {row.PerLoad})";
        string inRow = row.RestLanes == 0 ? "" : row.Steps == 1 ? $" && lane < {row.Words}" : $" && (step * {RowPlan.Lanes}) + lane < {row.Words}";
        using (code.Block($"if (first < rows{inRow})"))
        {
            string[] loads = [.. Rows.Select(letter => $"words[words{letter}{ofStep}]")];
            if (row.IsBlock)
            {
                IEnumerable<string> scales = Rows.Select(letter => $"scales[scales{letter}{scaleOfStep}]");
                code.Line($"FourBlocks w = new({string.Join(", ", loads.Concat(scales))});");
                ForTokens(token => $"{row.Weights}.Dot(w, {WarpCode.StagedInput(row, "input", "", token)}, sums{token})");
                return;
            }

            for (int i = 0; i < Rows.Length; i++)
            {
                code.Line($"Words4 load{Rows[i]} = {loads[i]};");
            }

            for (int j = 0; j < row.Quads; j++)
            {
                code.Line($"FourRows w{j} = new({string.Join(", ", Rows.Select(letter => $"{row.Weights}.Widen{j}(load{letter})"))});");
            }

            ForTokens(token =>
            {
                string sums = $"sums{token}";
                for (int j = 0; j < row.Quads; j++)
                {
                    int place = ((token * row.Quads) + j) * RowPlan.Lanes;
                    sums = $"w{j}.Dot(input[lane{(place == 0 ? "" : $" + {place}")}], {sums})";
                }

                return sums;
            });
        }
    }

    /// <summary>
    /// Writes the sums of all tokens that are there. Each stands in a branch of its own: of a run of statements ILGPU puts all loads first, and the
    /// inputs of several tokens do not fit the registers beside all sums.
    /// </summary>
    private void ForTokens(Func<int, string> sums)
    {
        code.Line($"sums0 = {sums(0)};");
        for (int token = 1; token < Tokens; token++)
        {
            using (code.Block($"if (tokens > {token})"))
            {
                code.Line($"sums{token} = {sums(token)};");
            }

            if (token < Tokens - 1)
            {
                code.Line();
            }
        }
    }

    /// <summary>Writes the sums over the lanes, each in the order of <c>Lanes.Sum</c>, and where they go.</summary>
    private void EmitSums()
    {
        code.Line("// Sums over the lanes: each step leaves a lane half of the tokens, and the last half of the rows.");
        for (int half = Tokens / 2; half > 0; half /= 2)
        {
            for (int token = 0; token < half; token++)
            {
                code.Line($"sums{token} = Lanes.SumOfTwo(sums{token}, sums{token + half}, lane, {2 * half});");
            }
        }

        code.Line("float sumA = Lanes.SumOfTwo(sums0.X, sums0.Y, lane, 1);");
        code.Line("float sumC = Lanes.SumOfTwo(sums0.Z, sums0.W, lane, 1);");
        code.Line("int ownToken = lane / 2;");
        code.Line("int own = first + (lane & 1);");
        code.Line("int to = (ownToken * stride) + firstRow + own;");
        using (code.Block("if (ownToken < tokens && own < rows)"))
        {
            code.Line("y[to] = sumA;");
        }

        code.Line();
        using (code.Block("if (ownToken < tokens && own + 2 < rows)"))
        {
            code.Line("y[to + 2] = sumC;");
        }
    }
}
