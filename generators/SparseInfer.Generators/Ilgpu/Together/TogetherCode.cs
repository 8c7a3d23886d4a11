using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Pieces of kernels in which four rows meet several tokens' inputs: the rows are read once, a lane has every token's four sums in registers.
/// Lanes, loads and their order are those of a single token, so that each sum has the bits that it has there.
/// </summary>
internal static class TogetherCode
{
    /// <summary>Bits of the lanes that end with a sum of the first of two rows: one for each token. Of the second: the lanes beside them.</summary>
    public const string EvenLanes = "0x55555555u";

    private const int Tokens = TogetherPlan.Tokens;

    /// <summary>What the four rows are called.</summary>
    public static readonly string[] Rows = ["A", "B", "C", "D"];

    /// <summary>Writes the sums, zero.</summary>
    /// <param name="type">Of a token's four.</param>
    public static void EmitStart(CodeWriter code, string type, string sums)
    {
        const int InLine = 4;
        for (int from = 0; from < Tokens; from += InLine)
        {
            code.Line($"{type} {string.Join(", ", Enumerable.Range(from, InLine).Select(token => $"{sums}{token} = default"))};");
        }
    }

    /// <summary>What an index gets on the way from the first token's element to another's.</summary>
    /// <param name="stride">From a token to the next: a name, or a product.</param>
    public static string Plus(int token, string stride) => token switch
    {
        0 => "",
        1 => stride.Contains(' ') ? $" + ({stride})" : $" + {stride}",
        _ => $" + ({token} * {stride})",
    };

    /// <summary>
    /// Writes something for each token that there is, in a branch of its own: of a run of statements ILGPU puts all loads first, and the inputs of
    /// several tokens do not fit the registers beside all sums.
    /// </summary>
    public static void ForTokens(CodeWriter code, Action<int> emit)
    {
        emit(0);
        for (int token = 1; token < Tokens; token++)
        {
            using (code.Block($"if (tokens > {token})"))
            {
                emit(token);
            }

            if (token < Tokens - 1)
            {
                code.Line();
            }
        }
    }

    /// <summary>
    /// Writes the sums over the lanes, each in the order of <c>Lanes.Sum</c>. Lanes 2k and 2k + 1 have the k-th token's: the first of the first
    /// and third row (A and C), the second of the others.
    /// </summary>
    /// <param name="type">Of a sum.</param>
    /// <param name="name">What the sums are called that are left, with <c>AB</c> and <c>CD</c> behind it.</param>
    public static void EmitSums(CodeWriter code, string type, string sums, string name)
    {
        for (int half = Tokens / 2; half > 0; half /= 2)
        {
            for (int token = 0; token < half; token++)
            {
                code.Line($"{sums}{token} = Lanes.SumOfTwo({sums}{token}, {sums}{token + half}, lane, {2 * half});");
            }
        }

        code.Line($"{type} {name}AB = Lanes.SumOfTwo({sums}0.X, {sums}0.Y, lane, 1);");
        code.Line($"{type} {name}CD = Lanes.SumOfTwo({sums}0.Z, {sums}0.W, lane, 1);");
    }

    /// <summary>One load's inputs of all tokens, in shared memory as those of as many loads of one token.</summary>
    public static RowPlan Staged(RowPlan row) => new(row.Weights, Tokens * RowPlan.Lanes * row.PerLoad);

    /// <summary>Writes how a group puts the inputs there that meet one load; <c>step</c> is its number, where a row has several.</summary>
    /// <param name="threads">Threads of the group.</param>
    /// <param name="rowQuads">Quads of a token's input: a constant.</param>
    public static void EmitStage(CodeWriter code, RowPlan row, int threads, string rowQuads)
    {
        int quads = StagedQuads(row);
        string ofStep = row.Steps == 1 ? "" : $"(step * {quads}) + ";
        string quad = row.IsBlock || row.Quads == 1 ? $"(i & {quads - 1})" : $"((i & 31) * {row.Quads}) + ((i / 32) & {row.Quads - 1})";
        using (code.Block($"for (int i = thread; i < inputs; i += {threads})"))
        {
            if (row.Columns / 4 == row.Steps * quads)
            {
                code.Line($"Float4 quad = x[(i / {quads} * {rowQuads}) + {ofStep}{quad}];");
            }
            else
            {
                code.Line($"int quadOfInput = {ofStep}{quad};");
                code.Line("Float4 quad = default;");
                using (code.Block($"if (quadOfInput < {rowQuads})"))
                {
                    code.Line($"quad = x[(i / {quads} * {rowQuads}) + quadOfInput];");
                }

                code.Line();
            }

            if (row.IsBlock)
            {
                BlockCode.EmitRounded(code, Staged(row), "i", guard: null);
            }
            else
            {
                code.Line("input[i] = quad;");
            }
        }
    }

    /// <summary>How many quads <see cref="EmitStage"/> brings: those that meet one load, of each token.</summary>
    public static string Inputs(RowPlan row) => $"tokens * {StagedQuads(row)}";

    private static int StagedQuads(RowPlan row) => RowPlan.Lanes * row.Quads;

    /// <summary>Writes what one load of each of four rows adds to all sums.</summary>
    /// <param name="sums">The tokens' sums. Loads are called as they are, with <c>Load</c> and the row's letter behind it, scales with <c>Scale</c>.</param>
    public static void EmitProducts(CodeWriter code, RowPlan row, string sums)
    {
        if (row.Format.Blocks is { } blocks)
        {
            string loads = string.Join(", ", Rows.Select(letter => $"{sums}Load{letter}").Concat(Rows.Select(letter => $"{sums}Scale{letter}")));
            code.Line($"{blocks.FourRowsType} {sums}Rows = new({loads});");
        }

        for (int j = 0; j < row.Quads && !row.IsBlock; j++)
        {
            code.Line($"FourRows {sums}Rows{j} = new({string.Join(", ", Rows.Select(letter => $"{row.Weights}.Widen{j}({sums}Load{letter})"))});");
        }

        ForTokens(code, token =>
        {
            string ofToken = $"{sums}{token}";
            if (row.IsBlock)
            {
                code.Line($"{ofToken} = {row.Weights}.Dot({sums}Rows, {WarpCode.StagedInput(row, "input", "", token)}, {ofToken});");
                return;
            }

            string value = ofToken;
            for (int j = 0; j < row.Quads; j++)
            {
                int place = ((token * row.Quads) + j) * RowPlan.Lanes;
                value = $"{sums}Rows{j}.Dot(input[lane{WarpCode.Plus(place)}], {value})";
            }

            code.Line($"{ofToken} = {value};");
        });
    }
}
