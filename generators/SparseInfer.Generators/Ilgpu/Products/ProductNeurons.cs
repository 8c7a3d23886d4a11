using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Rows of a neuron-major down, which are added up: a row's columns are the tile's rows, and stand in shared memory as they are. Their quads are
/// turned so that eight lanes of 16 bytes fill the 32 banks.
/// </summary>
/// <param name="neurons">Neurons; rows beyond are padding, whose activations are zero.</param>
/// <param name="padded">Activations of a token.</param>
internal sealed class ProductNeurons(CodeWriter code, ProductTile tile, RowPlan row, int neurons, int padded) : ProductWeights
{
    /// <summary>A scale of one: quants as they are. The half 1.0, where a scale is a half.</summary>
    private string One => _blocks is { Unpacks: true } ? $"{row.Weights}.One" : "0x3c00";

    private readonly BlockArithmetic? _blocks = row.Format.Blocks;

    /// <summary>Rows of floats that 32 neurons share: of scales, a second one of scales or of minima where the type has that.</summary>
    private int ScaleRows => _blocks?.NeuronRows ?? 0;

    /// <summary>Lanes whose loads are one neuron's.</summary>
    private int Lanes => tile.Rows / row.PerLoad;

    private int Loads => ProductTile.Depth * Lanes;

    private int Each => Math.Max(1, Loads / tile.Threads);

    private bool IsShared => Loads < tile.Threads;

    /// <summary>Quads of shared memory that eight lanes store to are neighbours' of one neuron; else also of neurons of other fours.</summary>
    private bool TurnsByDepth => Lanes < 8;

    /// <summary>What a lane's quads are turned by: by its place in the row, where eight lanes have more than one place, and by its neuron.</summary>
    private IEnumerable<string> Turns
    {
        get
        {
            if (tile.RowQuads > 8)
            {
                // A lane's quads begin in a group of eight of them: there are no more groups than quads to turn by, or they are taken round.
                string eight = row.Quads == 8 ? "word" : $"word * {row.Quads} / 8";
                yield return tile.RowQuads / 8 > row.Quads ? $"(({eight}) & {row.Quads - 1})" : row.Quads == 8 ? eight : $"({eight})";
            }

            if (TurnsByDepth)
            {
                yield return TurnOf("neuron / 4");
            }
        }
    }

    /// <summary>What a block's scales are turned by; null: by nothing.</summary>
    private string? ScaleTurn => tile.RowQuads <= 8 ? null : TurnsByDepth ? "scaleTurned" : "turned";

    private int ScaleLoads => tile.Rows / 8;

    private int ScaleWords => row.Columns / 8;

    private int Blocks => padded / 32;

    public override int Steps => padded / ProductTile.Depth;

    public override IReadOnlyList<string> Places
    {
        get
        {
            string Place(string quad) => TurnsByDepth ? $"({quad} ^ {TurnOf("depth / 4")})" : quad;
            if (row.Quads == 1)
            {
                return ["rowQuad"];
            }

            // The other four rows stand half a tile further on where they are turned alike.
            bool alike = tile.Side == 4 || tile.Rows / 64 % row.Quads == 0;
            return alike ? [Place("rowPlace0")] : [Place("rowPlace0"), Place("rowPlace1")];
        }
    }

    public override string InputQuad(string step) => step == "0" ? "inputPart" : $"({step} * 4) + inputPart";

    public override void EmitStart()
    {
        if (row.Quads > 1)
        {
            string Turn(string quad, int quads) => quads / 8 > row.Quads ? $"(({quad} / 8) & {row.Quads - 1})" : $"({quad} / 8)";
            code.Line(tile.RowThreads > 8 ? $"int rowPlace0 = rowQuad ^ {Turn("rowQuad", tile.RowThreads)};" : "int rowPlace0 = rowQuad;");
            if (Places.Count > 1)
            {
                int half = tile.RowQuads / 2;
                string other = $"(rowQuad + {half})";
                code.Line($"int rowPlace1 = {other} ^ {(tile.RowThreads > 8 ? Turn(other, tile.RowQuads) : $"{(half / 8) & (row.Quads - 1)}")};");
            }
        }

        if (Lanes > 1)
        {
            code.Line($"int word = thread & {Lanes - 1};");
        }

        code.Line(Lanes == 1 ? "int neuron = thread;" : $"int neuron = thread / {Lanes};");
        if (TurnsByDepth)
        {
            code.Line("neuron = ((neuron & 3) * 4) + (neuron / 4);");
        }

        code.Line($"int weightPlace = (neuron * {tile.RowQuads}){WordQuads};");
        if (row.Quads > 1)
        {
            string[] turns = [.. Turns];
            code.Line($"int turned = {string.Join(" ^ ", turns)};");
            if (row.IsBlock && turns.Length > 1)
            {
                code.Line($"int scaleTurned = {turns[0]};");
            }
        }

        code.Line(Lanes == 1 ? "int source = Grid.IdxX;" : $"int source = (Grid.IdxX * {Lanes}) + word;");
        if (row.Words % Lanes != 0)
        {
            code.Line($"source = source < {row.Words} ? source : {row.Words - 1};");
        }

        if (IsShared)
        {
            code.Line($"{row.LoadType} tile0 = default;");
        }

        EmitLoads("0");
        if (row.IsBlock)
        {
            EmitScales();
        }
    }

    public override void EmitLoad(string step)
    {
        EmitLoads(step);
        if (row.IsBlock)
        {
            using (code.Block($"if (thread < {ScaleLoads})"))
            {
                code.Line($"int block = ({step} / 2) + 1;");
                EmitLoadScales($"(block < {Blocks} ? block : {Blocks - 1})", declare: false);
            }

            code.Line();
        }
    }

    public override void EmitStore()
    {
        using (IsShared ? code.Block($"if (thread < {Loads})") : default(CodeWriter.Scope?))
        {
            code.Line($"ArrayView<Float4> weightTo = weights.SubView((half * {ProductTile.Depth * tile.RowQuads}) + weightPlace);");
            if (row.IsBlock)
            {
                code.Line($"ArrayView<Float4> scaleFrom = blockScales.SubView({_blocks!.RowOfScales("((step / 2) & 1)", tile.RowQuads)}{WordQuads});");
            }

            for (int n = 0; n < Each; n++)
            {
                int offset = n * (tile.Threads / Lanes) * tile.RowQuads;
                for (int j = 0; j < row.Quads; j++)
                {
                    string place = row.Quads == 1 ? $"{offset}" : offset == 0 ? Turned(j, "turned") : j == 0 ? $"turned + {offset}" : $"({Turned(j, "turned")}) + {offset}";
                    string value = _blocks is null
                        ? $"{row.Weights}.Widen{j}(tile{n})"
                        : _blocks.Scaled($"{row.Weights}.Widen{j}(tile{n}, {One})", "scaleFrom", Turned(j, ScaleTurn), tile.RowQuads);
                    code.Line($"weightTo[{place}] = {value};");
                }
            }
        }

        if (IsShared)
        {
            code.Line();
        }

        if (row.IsBlock)
        {
            EmitStoreScales("(((step / 2) + 1) & 1)");
        }
    }

    private string WordQuads => Lanes == 1 ? "" : row.Quads == 1 ? " + word" : $" + (word * {row.Quads})";

    /// <param name="fours">Which four of a step's sixteen neurons.</param>
    private string TurnOf(string fours)
    {
        string turn = tile.Rows == 32 ? fours : $"{fours} * {tile.Rows / 32}";
        return 3 * tile.Rows / 32 < row.Quads ? $"({turn})" : $"(({turn}) & {row.Quads - 1})";
    }

    private static string Turned(int quad, string? turn) => turn is null ? $"{quad}" : quad == 0 ? turn : $"{quad} ^ {turn}";

    private void EmitLoads(string step)
    {
        using (IsShared ? code.Block($"if (thread < {Loads})") : default(CodeWriter.Scope?))
        {
            for (int n = 0; n < Each; n++)
            {
                int offset = n * (tile.Threads / Lanes);
                string index = (step == "0" ? "neuron" : $"({step} * {ProductTile.Depth}) + neuron") + (offset == 0 ? "" : $" + {offset}");
                string inside = neurons == padded || (step == "0" && neurons >= ProductTile.Depth) ? index : $"{index} < {neurons} ? {index} : {neurons - 1}";
                string type = step == "0" && !IsShared ? row.LoadType + " " : "";
                string first = $"{(inside == "neuron" ? inside : $"({inside})")} * {row.Stride}";
                string load = _blocks is { Unpacks: true } ? _blocks.Load("words", first, "source", row.Words) : $"words[({first}) + source]";
                code.Line($"{type}tile{n} = {load};");
            }
        }

        if (IsShared)
        {
            code.Line();
        }
    }

    /// <summary>Declares a block's scales in shared memory, and puts the first block's there.</summary>
    private void EmitScales()
    {
        if (!IsShared)
        {
            code.Line();
        }

        code.Line("// 32 neurons have a row of scales: it is in shared memory two steps before the neurons are.");
        code.Line($"ArrayView<Float4> blockScales = SharedMemory.Allocate<Float4>({2 * ScaleRows * tile.RowQuads});");
        code.Line($"int scaleSource = (Grid.IdxX * {ScaleLoads}) + thread;");
        if (ScaleWords % ScaleLoads != 0)
        {
            code.Line($"scaleSource = scaleSource < {ScaleWords} ? scaleSource : {ScaleWords - 1};");
        }

        if (ScaleTurn is not null)
        {
            code.Line("int storeTurned = thread / 4;");
        }

        EmitLoadScales("0", declare: true);
        EmitStoreScales(null);
        using (code.Block($"if (thread < {ScaleLoads})"))
        {
            EmitLoadScales(Blocks > 1 ? "1" : "0", declare: false);
        }

        code.Line();
        code.Line("Group.Barrier();");
    }

    /// <summary>Writes how a thread loads eight columns' scales of a block.</summary>
    private void EmitLoadScales(string block, bool declare)
    {
        if (declare)
        {
            foreach (string name in ScaleNames)
            {
                code.Line($"{(_blocks!.Unpacks ? "QuantColumns" : "Words4")} {name} = default;");
            }
        }

        using (declare ? code.Block($"if (thread < {ScaleLoads})") : default(CodeWriter.Scope?))
        {
            if (_blocks is { Unpacks: true })
            {
                for (int k = 0; k < ScaleNames.Count; k++)
                {
                    string part = _blocks.NeuronParts == 1 ? block
                        : int.TryParse(block, out int number) ? $"{(number * 2) + (k / 2)}"
                        : $"({block} * 2){WarpCode.Plus(k / 2)}";
                    string quad = k % 2 == 0 ? "scaleSource * 2" : "(scaleSource * 2) + 1";
                    code.Line($"{ScaleNames[k]} = {row.Weights}.Columns(scales, {part}, {quad}, {row.Columns / 4});");
                }
            }
            else
            {
                string first = block switch { "0" => "", "1" => $"{ScaleWords} + ", _ => $"({block} * {ScaleWords}) + " };
                code.Line($"scaleWord = scales[{first}scaleSource];");
            }
        }

        if (declare)
        {
            code.Line();
        }
    }

    /// <summary>What a thread has of eight columns: a word, or four columns each.</summary>
    private IReadOnlyList<string> ScaleNames => _blocks!.Unpacks
        ? [.. Enumerable.Range(0, 2 * _blocks.NeuronParts).Select(k => $"scale{k}")]
        : ["scaleWord"];

    /// <param name="half">The half of shared memory that it goes to; null: the first.</param>
    private void EmitStoreScales(string? half)
    {
        string start = half is null ? "" : $"({half} * {ScaleRows * tile.RowQuads}) + ";
        using (code.Block($"if (thread < {ScaleLoads})"))
        {
            for (int j = 0; j < 2; j++)
            {
                string quad = j == 0 ? "(thread * 2)" : "((thread * 2) + 1)";
                for (int k = 0; k < ScaleRows; k++)
                {
                    string first = start + (k == 0 ? "" : $"{k * tile.RowQuads} + ");
                    string turned = ScaleTurn is null ? quad : first.Length == 0 ? $"{quad} ^ storeTurned" : $"({quad} ^ storeTurned)";
                    code.Line($"blockScales[{first}{turned}] = {_blocks!.ScaleOfColumns(j, k)};");
                }
            }
        }

        code.Line();
    }
}
