using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How kernels of block types get their input: rounded to integers, 32 columns in steps of their largest, so that products of bytes add up
/// exactly, four in an instruction.
/// </summary>
internal static class BlockCode
{
    /// <summary>Writes the shared memory that an input takes.</summary>
    public static void EmitInput(CodeWriter code, RowPlan row)
    {
        code.Line($"ArrayView<Words4> input = SharedMemory.Allocate<Words4>({row.InputWords});");
        code.Line($"ArrayView<BlockStep> inputSteps = SharedMemory.Allocate<BlockStep>({row.Blocks});");
    }

    /// <summary>Writes how a group rounds the input: four columns a lane, eight lanes a block, all lanes of a warp together.</summary>
    /// <param name="norm">What the input is on the way; null: as it is, <c>x</c>, [Columns / 4] quads.</param>
    public static void EmitStage(CodeWriter code, RowPlan row, int threads, NormStage? norm)
    {
        int quads = row.Columns / 4;
        int whole = (quads + 31) / 32 * 32;
        bool isOnce = whole <= threads;
        string i = isOnce ? "thread" : "i";
        string value = norm?.Quad(i) ?? $"x[{i}]";
        code.Line("ArrayView<uint> inputWords = input.Cast<uint>();");
        using (whole == threads ? default(CodeWriter.Scope?)
            : code.Block(isOnce ? $"if (thread < {whole})" : $"for (int i = thread; i < {whole}; i += {threads})"))
        {
            if (whole == quads)
            {
                code.Line($"Float4 quad = {value};");
            }
            else
            {
                code.Line("Float4 quad = default;");
                using (code.Block($"if ({i} < {quads})"))
                {
                    code.Line($"quad = {value};");
                }

                code.Line();
            }

            EmitRounded(code, row, i, whole == quads ? null : $"{i} < {quads}");
        }
    }

    /// <summary>Writes how the lanes of a warp round <c>quad</c>, eight lanes a block, and where it comes to lie.</summary>
    /// <param name="i">Which quad of what is staged: a variable.</param>
    /// <param name="guard">Which of them are stored; null: all.</param>
    public static void EmitRounded(CodeWriter code, RowPlan row, string i, string? guard)
    {
        code.Line("float largest = Lanes.MaxMagnitudeOfEight(Quad.Largest(quad));");
        code.Line($"Int4 inputQuants = Quad.Round(quad, BlockStep.Inverse(largest, {row.Weights}.Range));");
        BlockArithmetic blocks = row.Format.Blocks!;
        blocks.EmitInputExcess(code);
        using (guard is null ? default(CodeWriter.Scope?) : code.Block($"if ({guard})"))
        {
            blocks.EmitInput(code, i, row.Columns);
            using (code.Block($"if (({i} & 7) == 0)"))
            {
                code.Line($"inputSteps[{i} / 8] = new BlockStep(largest * (1f / {row.Weights}.Range), {blocks.StartOfInput});");
            }
        }
    }
}
