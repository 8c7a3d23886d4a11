using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Rows of weights that are dotted with the input. Two lanes load 32 bytes of a row, a sector of memory, four lanes the 64 bytes of floats. Where
/// that is more than eight columns a lane, several steps follow that take eight of each; sums are taken in that order.
/// </summary>
internal sealed class ProductRows(CodeWriter code, ProductTile tile, RowPlan row) : ProductWeights
{
    private readonly ProductPlaces _places = new(code, tile, Lanes(row), tile.Rows, "weight");

    /// <summary>Steps that one load serves.</summary>
    private int Phases => Math.Max(1, row.PerLoad / 8);

    /// <summary>Whether the last load is of one lane a row.</summary>
    private bool IsOdd => row.Words % Lanes(row) != 0;

    public override int Steps => (row.Words + Lanes(row) - 1) / Lanes(row) * Phases;

    public override IReadOnlyList<string> Places => [ProductPlaces.Turned(Lanes(row), "rowQuad")];

    public override string InputQuad(string step)
    {
        if (Phases == 1)
        {
            return step == "0" ? "inputPart" : $"({step} * 4) + inputPart";
        }

        string load = step == "0" ? "inputPart / 2" : $"({step} / {Phases} * 2) + (inputPart / 2)";
        string phase = step == "0" ? "" : $" + (({step} & {Phases - 1}) * 2)";
        return $"(({load}) * {row.Quads}){phase} + (inputPart & 1)";
    }

    public override void EmitStart()
    {
        int lanes = Lanes(row);
        code.Line(lanes == 4 ? "// Four lanes load 16 columns of a row." : "// Two lanes load 32 bytes of a row.");
        code.Line("ArrayView<float> weightPlaces = weights.Cast<float>();");
        code.Line($"int weightPart = thread & {lanes - 1};");
        code.Line($"int weightPlace = thread / {lanes};");
        _places.Emit();

        // A thread's four consecutive places are rows a quarter of the tile apart, so that a warp writes consecutive rows of the result.
        code.Line($"int firstSource = (Grid.IdxX * {tile.Rows}) + ((weightPlace & 3) * {tile.RowQuads}) + (weightPlace / 4);");
        for (int n = 0; n < _places.Count; n++)
        {
            string source = n == 0 ? "firstSource" : $"firstSource + {n * _places.Apart / 4}";
            code.Line($"int source{n} = {source} < rows ? {source} : rows - 1;");
        }

        EmitLoads("0", declare: true);
    }

    public override void EmitLoad(string step)
    {
        if (Phases == 1)
        {
            EmitLoads(step, declare: false);
            return;
        }

        using (code.Block($"if (({step} & {Phases - 1}) == 0)"))
        {
            EmitLoads(step, declare: false);
        }

        code.Line();
    }

    public override void EmitStore()
    {
        _places.EmitViews();
        if (row.Unpacks)
        {
            code.Line(Steps > Phases ? $"int eight = step & {Phases - 1};" : "int eight = step;");
        }
        else if (Phases > 1)
        {
            code.Line("bool isLower = (step & 1) == 0;");
        }

        for (int n = 0; n < _places.Count; n++)
        {
            IReadOnlyList<string> widened = Widened(n);
            (string view, int offset) = _places[n];
            for (int j = 0; j < widened.Count; j++)
            {
                code.Line($"Quad.Scatter({widened[j]}, {view}, {(4 * j * tile.Rows) + offset}, {tile.Rows});");
            }
        }
    }

    private static int Lanes(RowPlan row) => row.Quads == 1 ? 4 : 2;

    /// <summary>What a load gives this step, four columns each.</summary>
    private IReadOnlyList<string> Widened(int n)
    {
        if (row.Format.Blocks is not { } blocks)
        {
            return [.. Enumerable.Range(0, row.Quads).Select(j => $"{row.Weights}.Widen{j}(tile{n})")];
        }

        if (blocks.Unpacks)
        {
            return [$"{row.Weights}.WidenFirst(tile{n}, scale{n}, eight)", $"{row.Weights}.WidenSecond(tile{n}, scale{n}, eight)"];
        }

        string shift = blocks.WordOfStep;
        return [.. new[] { "isLower ? tile{0}.X : tile{0}.Z", "isLower ? tile{0}.Y : tile{0}.W" }.Select(word =>
            $"{row.Weights}.WidenWord(({word.Replace("{0}", $"{n}")}){shift}, scale{n})")];
    }

    private void EmitLoads(string step, bool declare)
    {
        string load = Phases == 1 ? step : $"{step} / {Phases}";
        string word = step == "0" ? "weightPart" : $"({load} * {Lanes(row)}) + weightPart";
        string name = declare ? "firstWord" : "word";
        code.Line($"int {name} = {word};");
        if (IsOdd)
        {
            // The input is zero there.
            code.Line($"{name} = {name} < {row.Words} ? {name} : {row.Words - 1};");
        }

        for (int n = 0; n < _places.Count; n++)
        {
            BlockArithmetic? blocks = row.Format.Blocks;
            if (blocks is { Unpacks: true })
            {
                code.Line($"{(declare ? row.LoadType + " " : "")}tile{n} = {blocks.Load("words", $"source{n} * {row.Stride}", name, row.Words)};");
                code.Line($"{(declare ? blocks.ScaleType + " " : "")}scale{n} = {blocks.Scale("scales", $"source{n} * {row.Scales}", name)};");
                continue;
            }

            code.Line($"{(declare ? "Words4 " : "")}tile{n} = words[(source{n} * {row.Words}) + {name}];");
            if (row.IsBlock)
            {
                int together = row.Words / row.Scales;
                string block = together == 1 ? $" + {name}" : declare && together >= Lanes(row) ? "" : $" + ({name} / {together})";
                string first = block.Length == 0 ? $"source{n} * {row.Scales}" : $"(source{n} * {row.Scales})";
                code.Line($"{(declare ? "ushort " : "")}scale{n} = scales[{first}{block}];");
            }
        }
    }
}
