using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>
/// Pieces that every kernel is made of. What runs in lockstep (a shuffle, a barrier, a piece of shared memory) is always a statement of
/// its own in the kernel itself; loops are written out, for the compiler behind this one unrolls none.
/// </summary>
internal static class WarpCode
{
    /// <summary>Loads written out in a row; longer rows loop over as many.</summary>
    private const int WrittenOut = 16;

    public const string Place = """
        int thread = Group.IdxX;
        int lane = thread & 31;
        int warp = thread / 32;
        """;

    /// <summary>Writes sums over a warp's lanes, in a fixed tree: every lane has them. Several take turns, so that none waits for the other.</summary>
    public static void EmitSum(CodeWriter code, string type, params string[] values) => EmitSum(code, RowPlan.Lanes, type, values);

    /// <summary>As above, over lanes that stand together: a power of two of them.</summary>
    public static void EmitSum(CodeWriter code, int lanes, string type, params string[] values) =>
        EmitTree(code, lanes, type, values, (value, other) => $"{value} += {other};");

    /// <summary>Writes the largest of a warp's lanes.</summary>
    public static void EmitMax(CodeWriter code, string value) =>
        EmitTree(code, RowPlan.Lanes, "float", [value], (_, other) => $"{value} = MathF.Max({value}, {other});");

    private static void EmitTree(CodeWriter code, int lanes, string type, string[] values, Func<string, string, string> combine)
    {
        for (int distance = lanes / 2; distance > 0; distance /= 2)
        {
            foreach (string value in values)
            {
                code.Line($"{type} {value}_{distance} = Warp.ShuffleXor({value}, {distance});");
            }

            foreach (string value in values)
            {
                code.Line(combine(value, $"{value}_{distance}"));
            }
        }
    }

    /// <summary>
    /// Writes how a group puts an input in shared memory: the quad that a lane needs beside its first, second, ... load stands where the
    /// lanes of a warp read without bank conflicts.
    /// </summary>
    /// <param name="x">The input, [Columns / 4] quads.</param>
    public static void EmitStage(CodeWriter code, RowPlan row, int threads, string x)
    {
        int quads = row.Columns / 4;
        using (code.Block($"for (int i = thread; i < {row.InputQuads}; i += {threads})"))
        {
            string source = row.Quads == 1
                ? "i"
                : $"(i / {32 * row.Quads} * {32 * row.Quads}) + ((i & 31) * {row.Quads}) + ((i / 32) & {row.Quads - 1})";
            if (row.InputQuads == quads)
            {
                code.Line($"input[i] = {x}[{source}];");
            }
            else
            {
                code.Line($"int quadOfInput = {source};");
                code.Line("Float4 quad = default;");
                using (code.Block($"if (quadOfInput < {quads})"))
                {
                    code.Line($"quad = {x}[quadOfInput];");
                }

                code.Line();
                code.Line("input[i] = quad;");
            }
        }
    }

    /// <summary>Writes the dot product of a row and the input; afterwards every lane has it in <paramref name="sum"/>.</summary>
    /// <param name="sum">A variable that is declared here.</param>
    /// <param name="words">The matrix.</param>
    /// <param name="scales">Its scales; unused where the type has none.</param>
    /// <param name="index">The row's number, an expression that is read twice.</param>
    /// <param name="input">The input: <c>input</c> in shared memory, or the view itself.</param>
    /// <param name="staged">Whether <see cref="EmitStage"/> made the input.</param>
    public static void EmitDot(CodeWriter code, RowPlan row, string sum, string words, string scales, string index, string input, bool staged)
    {
        string start = $"{sum}Row";
        code.Line($"int {start} = ({index} * {row.Words}) + lane;");
        if (row.IsBlock)
        {
            code.Line($"int {sum}Scale = ({index} * {row.Scales}) + {(row.Quads == 8 ? "lane" : "(lane / 2)")};");
        }

        code.Line($"float {sum} = 0f;");
        int looped = row.FullSteps > WrittenOut ? row.FullSteps / WrittenOut * WrittenOut : 0;
        if (looped > 0)
        {
            using (code.Block($"for (int step = 0; step < {looped}; step += {WrittenOut})"))
            {
                for (int k = 0; k < WrittenOut; k++)
                {
                    EmitStep(code, row, sum, words, scales, "step", k, input, staged);
                }
            }
        }

        for (int k = looped; k < row.FullSteps; k++)
        {
            EmitStep(code, row, sum, words, scales, "", k, input, staged);
        }

        if (row.RestLanes > 0)
        {
            using (code.Block($"if (lane < {row.RestLanes})"))
            {
                EmitStep(code, row, sum, words, scales, "", row.FullSteps, input, staged);
            }

            code.Line();
        }

        EmitSum(code, "float", sum);
    }

    private static void EmitStep(
        CodeWriter code, RowPlan row, string sum, string words, string scales, string step, int k, string input, bool staged)
    {
        string Index(string start, int perStep, int offset)
        {
            string loop = step.Length == 0 ? "" : $" + ({step} * {perStep})";
            return $"{start}{loop}{(offset == 0 ? "" : $" + {offset}")}";
        }

        string scale = row.IsBlock ? $"{scales}[{Index(sum + "Scale", 32 * row.PerLoad / 32, k * row.PerLoad)}], " : "";
        IEnumerable<string> quads = Enumerable.Range(0, row.Quads).Select(j => staged
            ? $"{input}[{Index("lane", 32 * row.Quads, (k * 32 * row.Quads) + (32 * j))}]"
            : $"{input}[{Index(row.Quads == 1 ? "lane" : $"(lane * {row.Quads})", 32 * row.Quads, (k * 32 * row.Quads) + j)}]");
        code.Line($"{sum} = {row.Weights}.Dot({words}[{Index(sum + "Row", 32, k * 32)}], {scale}{string.Join(", ", quads)}, {sum});");
    }
}
