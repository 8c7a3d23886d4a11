using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Pieces that every kernel is made of. What runs in lockstep (a barrier, a piece of shared memory, a call of <c>Lanes</c>) is always a
/// statement of its own in the kernel itself; loops are written out, for the compiler behind this one unrolls none.
/// </summary>
internal static class WarpCode
{
    /// <summary>Most loads written out in a row; longer rows loop. What is taken apart needs more registers for each.</summary>
    private static int WrittenOut(RowPlan row) => row.Unpacks ? 8 : 16;

    public const string Place = """
        int thread = Group.IdxX;
        int lane = thread & 31;
        int warp = thread / 32;
        """;

    /// <summary>What an index gets on the way to an element so far from the first.</summary>
    public static string Plus(int offset) => offset == 0 ? "" : $" + {offset}";

    /// <summary>
    /// Begins what the threads of a group do with so many elements: a loop only where they are more than threads, a guard only where they are fewer.
    /// </summary>
    /// <param name="element">The element's number, declared here.</param>
    /// <param name="thread">The thread's number, an expression.</param>
    public static CodeWriter.Scope? ForEach(CodeWriter code, string element, string thread, int count, int threads)
    {
        if (count > threads)
        {
            return code.Block($"for (int {element} = {thread}; {element} < {count}; {element} += {threads})");
        }

        code.Line($"int {element} = {thread};");
        return count == threads ? null : code.Block($"if ({element} < {count})");
    }

    /// <summary>Writes the shared memory that an input takes.</summary>
    public static void EmitInput(CodeWriter code, RowPlan row)
    {
        if (row.IsBlock)
        {
            BlockCode.EmitInput(code, row);
            return;
        }

        code.Line($"ArrayView<Float4> input = SharedMemory.Allocate<Float4>({row.InputQuads});");
    }

    /// <summary>
    /// Writes how a group puts an input in shared memory: the quad that a lane needs beside its first, second, ... load stands where the
    /// lanes of a warp read without bank conflicts.
    /// </summary>
    /// <param name="norm">What the input is on the way; null: as it is, <c>x</c>, [Columns / 4] quads.</param>
    public static void EmitStage(CodeWriter code, RowPlan row, int threads, NormStage? norm = null)
    {
        if (row.IsBlock)
        {
            BlockCode.EmitStage(code, row, threads, norm);
            return;
        }

        int quads = row.Columns / 4;
        bool isOnce = row.InputQuads <= threads;
        string i = isOnce ? "thread" : "i";
        int chunk = 32 * row.Quads;
        string source = row.Quads == 1 ? i
            : row.InputQuads == chunk ? $"(({i} & 31) * {row.Quads}) + ({i} / 32)"
            : $"({i} / {chunk} * {chunk}) + (({i} & 31) * {row.Quads}) + (({i} / 32) & {row.Quads - 1})";
        using (row.InputQuads == threads ? default(CodeWriter.Scope?)
            : code.Block(isOnce ? $"if (thread < {row.InputQuads})" : $"for (int i = thread; i < {row.InputQuads}; i += {threads})"))
        {
            if (row.InputQuads == quads && norm is null)
            {
                code.Line($"input[{i}] = x[{source}];");
                return;
            }

            string value = norm?.Quad("quadOfInput") ?? "x[quadOfInput]";
            code.Line($"int quadOfInput = {source};");
            if (row.InputQuads == quads)
            {
                code.Line($"input[{i}] = {value};");
                return;
            }

            code.Line("Float4 quad = default;");
            using (code.Block($"if (quadOfInput < {quads})"))
            {
                code.Line($"quad = {value};");
            }

            code.Line();
            code.Line($"input[{i}] = quad;");
        }
    }

    /// <summary>Writes the sum over a group's threads, in a fixed order: every thread has it, and shared memory is as all wrote it.</summary>
    /// <param name="warps">Warps of the group; one needs no shared memory.</param>
    /// <param name="shared">Shared memory, a float a warp.</param>
    /// <param name="total">A variable that is declared here.</param>
    public static void EmitGroupSum(CodeWriter code, int warps, string value, string shared, string total)
    {
        if (warps == 1)
        {
            code.Line($"float {total} = Lanes.Sum({value});");
            return;
        }

        code.Line($"{value} = Lanes.Sum({value});");
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"{shared}[warp] = {value};");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line($"float {total} = 0f;");
        using (code.Block($"for (int other = 0; other < {warps}; other++)"))
        {
            code.Line($"{total} += {shared}[other];");
        }

        code.Line();
    }

    /// <summary>Writes the dot product of a row and the input; afterwards every lane has it in <paramref name="sum"/>.</summary>
    /// <param name="sum">A variable that is declared here.</param>
    /// <param name="words">The matrix.</param>
    /// <param name="scales">Its scales; unused where the type has none.</param>
    /// <param name="index">The row's number, an expression that is read twice.</param>
    /// <param name="input">The input: <c>input</c> in shared memory, or the view itself.</param>
    /// <param name="staged">Whether <see cref="EmitStage"/> made the input.</param>
    /// <param name="places">Where the loads of a row are made; null: each where it is.</param>
    public static void EmitDot(
        CodeWriter code, RowPlan row, string sum, string words, string scales, string index, string input, bool staged, string? places = null)
    {
        string start = $"{sum}Row";
        code.Line(row.Unpacks || places is not null ? $"int {start} = {index} * {row.Stride};" : $"int {start} = ({index} * {row.Words}) + lane;");
        if (row.Unpacks)
        {
            code.Line($"int {sum}Scale = {index} * {row.Scales};");
        }
        else if (row.IsBlock)
        {
            code.Line(places is null ? $"int {sum}Scale = ({index} * {row.Scales}) + {BlockOfLane(row)};" : $"int {sum}Scale = {index} * {row.Scales};");
        }

        code.Line($"float {sum} = 0f;");
        int passes = (row.FullSteps + WrittenOut(row) - 1) / WrittenOut(row);
        int each = passes > 1 ? row.FullSteps / passes : 0;
        int looped = each * passes;
        if (looped > 0)
        {
            using (code.Block($"for (int step = 0; step < {looped}; step += {each})"))
            {
                for (int k = 0; k < each; k++)
                {
                    EmitStep(code, row, sum, words, scales, "step", k, input, staged, places);
                }
            }
        }

        for (int k = looped; k < row.FullSteps; k++)
        {
            EmitStep(code, row, sum, words, scales, "", k, input, staged, places);
        }

        if (row.RestLanes > 0)
        {
            using (code.Block($"if (lane < {row.RestLanes})"))
            {
                EmitStep(code, row, sum, words, scales, "", row.FullSteps, input, staged, places);
            }

            code.Line();
        }

        code.Line($"{sum} = Lanes.Sum({sum});");
    }

    private static void EmitStep(
        CodeWriter code, RowPlan row, string sum, string words, string scales, string step, int k, string input, bool staged, string? places)
    {
        string load = $"{words}[{Index(sum + "Row", 32, step, k * 32)}]";
        string scale = row.IsBlock ? $"{scales}[{Index(sum + "Scale", row.PerLoad, step, k * row.PerLoad)}], " : "";
        string place = $"{sum}Place{k}";
        if (places is not null)
        {
            code.Line($"int {place} = {places}[{Index("lane", 32, step, k * 32)}];");
            load = $"{words}[{sum}Row + {place}]";
            scale = row.IsBlock ? $"{scales}[{sum}Scale + {(row.Quads == 8 ? place : $"({place} / 2)")}], " : "";
        }

        if (row.Format.Blocks is { Unpacks: true } blocks)
        {
            string block = places is null ? Index("lane", 32, step, k * 32) : place;
            load = blocks.Load(words, $"{sum}Row", block, row.Words);
            scale = $"{blocks.Scale(scales, $"{sum}Scale", block)}, ";
        }

        string inputs = staged ? StagedInput(row, input, step, k) : string.Join(", ", Enumerable.Range(0, row.Quads).Select(j =>
            $"{input}[{Index(row.Quads == 1 ? "lane" : $"(lane * {row.Quads})", 32 * row.Quads, step, (k * 32 * row.Quads) + j)}]"));
        code.Line($"{sum} = {row.Weights}.Dot({load}, {scale}{inputs}, {sum});");
    }

    /// <summary>What of a staged input meets one load of a lane: arguments of the format's <c>Dot</c>.</summary>
    /// <param name="input">The input in shared memory.</param>
    /// <param name="step">A variable that counts loads; empty where there is no loop.</param>
    /// <param name="k">Loads beside that.</param>
    public static string StagedInput(RowPlan row, string input, string step, int k)
    {
        int inputs = row.IsBlock ? 2 : row.Quads;
        IEnumerable<string> arguments = Enumerable.Range(0, inputs).Select(j => $"{input}[{Index("lane", 32 * inputs, step, (k * 32 * inputs) + (32 * j))}]");
        return string.Join(", ", row.IsBlock
            ? arguments.Append($"inputSteps[{Index(BlockOfLane(row), row.PerLoad, step, k * row.PerLoad)}]")
            : arguments);
    }

    /// <summary>Which of a warp's blocks a lane's load is a part of.</summary>
    public static string BlockOfLane(RowPlan row) => row.Quads == 8 ? "lane" : "(lane / 2)";

    /// <summary>So many of something: itself, where it is one.</summary>
    public static string Times(string count, int size) => size == 1 ? count : $"({count} * {size})";

    private static string Index(string start, int perStep, string step, int offset)
    {
        string loop = step.Length == 0 ? "" : $" + ({step} * {perStep})";
        return $"{start}{loop}{Plus(offset)}";
    }
}
