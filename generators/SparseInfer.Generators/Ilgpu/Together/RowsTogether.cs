using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// A matrix times the inputs of several sequences' tokens: its rows are read once, four for a warp, whose lanes keep every token's sums in registers.
/// A lane meets the loads that it meets for one token, in their order, so that each token's sums have the bits that <see cref="RowKernels"/> give it.
/// </summary>
/// <param name="row">A row of the matrix.</param>
/// <param name="words">Which rows each token wants, where they are words'; null: all.</param>
internal sealed class RowsTogether(CodeWriter code, RowPlan row, WordChoice? words = null)
{
    private static readonly string[] Rows = TogetherCode.Rows;

    public DeviceKernel Kernel() => new(
        $"{(words is null ? "" : "Chosen")}RowsTogether{row.Weights}x{row.Columns}",
        IlgpuDecoderPlan.RowThreads,
        words is null
            ? $"Rows of {row.Columns} weights with the tokens of up to {TogetherPlan.Tokens} sequences: four rows for a warp, which reads them once."
            : $"Logits of the tokens of up to {TogetherPlan.Tokens} sequences: four words for a warp, which reads them where a token wants any.",
        [
            .. KernelParameter.Matrix(row), KernelParameter.Quads("x"), KernelParameter.Int("tokens"), KernelParameter.Int("rows"),
            KernelParameter.Int("firstRow"), KernelParameter.Floats("y"), KernelParameter.Int("stride"),
            .. RowKernels.Chosen(words),
        ],
        () =>
        {
            WarpCode.EmitInput(code, TogetherCode.Staged(row));
            if (row.IsBlock)
            {
                code.Line("ArrayView<uint> inputWords = input.Cast<uint>();");
            }

            code.Lines(WarpCode.Place);
            EmitRows();
            if (words is not null)
            {
                EmitPlace();
                EmitWants(words, "wantsAB", "own", "y[to]");
                EmitWants(words, "wantsCD", "own + 2", "y[to + 2]");
                code.Line("uint wanted = Lanes.Bits(wantsAB | wantsCD, lane);");
            }

            code.Line($"int inputs = {TogetherCode.Inputs(row)}; // staged at a time");
            TogetherCode.EmitStart(code, "Float4", "sums");
            using (row.Steps == 1 ? default(CodeWriter.Scope?) : code.Block($"for (int step = 0; step < {row.Steps}; step++)"))
            {
                TogetherCode.EmitStage(code, row, IlgpuDecoderPlan.RowThreads, $"{row.Columns / 4}");
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
            code.Line("// Sums over the lanes: each step leaves a lane half of the tokens, the last one half of the rows.");
            TogetherCode.EmitSums(code, "float", "sums", "sum");
            if (words is null)
            {
                EmitPlace();
            }

            string Logit(string sum, string wants) => words is null ? sum : $"{wants} == 0u ? float.NegativeInfinity : {sum}";
            using (code.Block("if (token < tokens && own < rows)"))
            {
                code.Line($"y[to] = {Logit("sumAB", "wantsAB")};");
            }

            code.Line();
            using (code.Block("if (token < tokens && own + 2 < rows)"))
            {
                code.Line($"y[to + 2] = {Logit("sumCD", "wantsCD")};");
            }
        })
    {
        Weights = row.Weights,
    };

    private void EmitWants(WordChoice words, string wants, string row, string score)
    {
        code.Line($"uint {wants} = 0u;");
        using (code.Block($"if (token < tokens && {row} < rows)"))
        {
            WordKernels.EmitWants(code, words, wants, score, "token");
        }

        code.Line();
    }

    /// <summary>Writes which token and rows a lane ends with, and where these go.</summary>
    private void EmitPlace() => code.Lines("""
        int token = lane / 2;
        int own = first + (lane & 1);
        int to = (token * stride) + firstRow + own;
        """);

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
            code.Line(row.Unpacks ? $"int words{Rows[i]} = {Row(i)} * {row.Stride};" : $"int words{Rows[i]} = ({Row(i)} * {row.Words}) + lane;");
        }

        for (int i = 0; i < Rows.Length && row.IsBlock; i++)
        {
            code.Line(row.Unpacks ? $"int scales{Rows[i]} = {Row(i)} * {row.Scales};" : $"int scales{Rows[i]} = ({Row(i)} * {row.Scales}) + {WarpCode.BlockOfLane(row)};");
        }

        static string Row(int i) => i == 0 ? "first" : $"row{Rows[i]}";
    }

    private void EmitProducts()
    {
        string ofStep = row.Steps == 1 ? "" : $" + (step * {RowPlan.Lanes})";
        string scaleOfStep = row.Steps == 1 ? "" : $" + (step * {row.PerLoad})";
        string inRow = row.RestLanes == 0 ? "" : row.Steps == 1 ? $" && lane < {row.Words}" : $" && (step * {RowPlan.Lanes}) + lane < {row.Words}";
        using (code.Block($"if (first < rows{inRow}{(words is null ? "" : " && wanted != 0u")})"))
        {
            string block = $"lane{ofStep}";
            BlockArithmetic? blocks = row.Format.Blocks;
            foreach (string letter in Rows)
            {
                string load = blocks is { Unpacks: true } ? blocks.Load("words", $"words{letter}", block, row.Words) : $"words[words{letter}{ofStep}]";
                code.Line($"{row.LoadType} sumsLoad{letter} = {load};");
            }

            foreach (string letter in blocks is null ? [] : Rows)
            {
                string scale = blocks!.Unpacks ? blocks.Scale("scales", $"scales{letter}", block) : $"scales[scales{letter}{scaleOfStep}]";
                code.Line($"{blocks.ScaleType} sumsScale{letter} = {scale};");
            }

            TogetherCode.EmitProducts(code, row, "sums");
        }
    }
}
