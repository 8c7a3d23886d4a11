using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Matrix products of prompts on tensor cores, for weights that are halves: they are exact, and inputs are split into two halves before. Sums are
/// floats. A warp has 32 rows of 32 tokens; tiles of 32 columns go through shared memory as <see cref="ProductKernels"/> has them.
/// </summary>
internal sealed class MatrixKernels(CodeWriter code, MatrixTile tile)
{
    /// <summary>Threads of a group that splits a token's input.</summary>
    public const int SplitThreads = 256;

    private const int Words = MatrixTile.Words;

    private const string Summary = "on tensor cores, inputs in two halves.";

    /// <summary>Splits a batch's inputs into halves.</summary>
    public DeviceKernel Split() => new(
        "SplitInputs",
        SplitThreads,
        "Splits inputs into two halves a value, for products on tensor cores: a group a token. Eight values a word, all first halves of a token, then all second.",
        [KernelParameter.Quads("x"), KernelParameter.Int("words"), KernelParameter.Words("halves"), KernelParameter.Floats("scales")],
        () =>
        {
            code.Lines($"""
                ArrayView<float> mosts = SharedMemory.Allocate<float>({SplitThreads / RowPlan.Lanes});
                int thread = Group.IdxX;
                ArrayView<Float4> input = x.SubView(Grid.IdxX * words * 2);
                float most = 0f;
                """);
            using (code.Block($"for (int i = thread; i < words * 2; i += {SplitThreads})"))
            {
                code.Line("most = SplitHalves.Most(input[i], most);");
            }

            code.Line();
            code.Line("most = Lanes.Max(most);");
            using (code.Block("if ((thread & 31) == 0)"))
            {
                code.Line("mosts[thread / 32] = most;");
            }

            code.Line();
            code.Line("Group.Barrier();");
            using (code.Block($"for (int warp = 0; warp < {SplitThreads / RowPlan.Lanes}; warp++)"))
            {
                code.Line("most = MathF.Max(most, mosts[warp]);");
            }

            code.Line();
            code.Line("float factor = SplitHalves.Factor(most);");
            using (code.Block("if (thread == 0)"))
            {
                code.Line("scales[Grid.IdxX] = SplitHalves.Reciprocal(factor);");
            }

            code.Line();
            code.Line("ArrayView<Words4> output = halves.SubView(Grid.IdxX * words * 2);");
            using (code.Block($"for (int i = thread; i < words; i += {SplitThreads})"))
            {
                code.Lines("""
                    Float4 first = Quad.Scale(input[2 * i], factor);
                    Float4 second = Quad.Scale(input[(2 * i) + 1], factor);
                    Words4 high = SplitHalves.High(first, second);
                    output[i] = high;
                    output[words + i] = SplitHalves.Low(first, second, high);
                    """);
            }
        })
    {
        Weights = WeightType.F16,
        NeedsTensorCores = true,
    };

    /// <summary>y = W x for a batch.</summary>
    public DeviceKernel Product(int columns)
    {
        int words = columns / 8;
        return new DeviceKernel(
            $"MatrixF16x{columns}",
            tile.Threads,
            $"Matrix product of a prompt's tokens: rows of {columns} weights with each token's input, {Summary}",
            [
                KernelParameter.Words("words"), KernelParameter.Words("halves"), KernelParameter.Floats("scales"), KernelParameter.Int("tokens"),
                KernelParameter.Int("rows"), KernelParameter.Int("firstRow"), KernelParameter.Floats("y"), KernelParameter.Int("stride"),
            ],
            () =>
            {
                EmitStart(words);
                int loads = Words / tile.TokenWarps;
                int apart = tile.Threads / Words;
                code.Line($"int source = (Grid.IdxX * {tile.Rows}) + (thread / {Words});");
                for (int n = 0; n < loads; n++)
                {
                    string row = n == 0 ? "source" : $"source + {n * apart}";
                    code.Line($"int row{n} = (({row} < rows ? {row} : rows - 1) * {words}) + part;");
                    code.Line($"Words4 tile{n} = words[row{n}];");
                }

                EmitLoop(
                    words / Words,
                    words,
                    () =>
                    {
                        for (int n = 0; n < loads; n++)
                        {
                            code.Line($"weights[(half * {tile.Rows * Words}) + thread{WarpCode.Plus(n * tile.Threads)}] = tile{n};");
                        }
                    },
                    () =>
                    {
                        for (int n = 0; n < loads; n++)
                        {
                            code.Line($"tile{n} = words[row{n} + (next * {Words})];");
                        }
                    },
                    turns: false);
                code.Line("sums.Store(y.SubView(firstRow), stride, scales, token, tokens, row, rows);");
            })
        {
            Weights = WeightType.F16,
            NeedsTensorCores = true,
        };
    }

    /// <summary>y = h down for a batch, down neuron-major.</summary>
    public DeviceKernel Down(IlgpuFeedForwardPlan feedForward) => ByRows(
        "MatrixDownF16",
        "Down for a prompt's tokens: each token's activations times the rows of down",
        [KernelParameter.Floats("y")],
        feedForward.Row,
        feedForward.Intermediate,
        $"sums.Store(y, {feedForward.Row.Columns}, scales, token, tokens, row, {feedForward.Row.Columns});");

    /// <summary>y = W x for a batch, W with a row for each channel of x.</summary>
    public DeviceKernel ByChannel(RowPlan row, int outputs, int channels) => ByRows(
        $"MatrixOf{channels}ChannelsF16x{outputs}",
        $"Matrix product of a prompt's tokens: each token's input times the rows of its {channels} channels",
        [KernelParameter.Int("firstOutput"), KernelParameter.Floats("y"), KernelParameter.Int("stride")],
        row,
        channels,
        $"sums.Store(y.SubView(firstOutput), stride, scales, token, tokens, row, {outputs});");

    /// <summary>Rows that are added up: of neurons, or of channels.</summary>
    /// <param name="rows">How many there are.</param>
    private DeviceKernel ByRows(string name, string what, KernelParameter[] to, RowPlan rowPlan, int rows, string store)
    {
        int columnWords = rowPlan.Words;
        int padded = WeightLayout.Pad(rows);
        int loads = 2 / tile.TokenWarps;
        int last = rows - 1;
        return new DeviceKernel(
            name,
            tile.Threads,
            $"{what}, {Summary}",
            [
                KernelParameter.Words("words"), KernelParameter.Words("halves"), KernelParameter.Floats("scales"), KernelParameter.Int("tokens"), .. to,
            ],
            () =>
            {
                EmitStart(padded / 8);
                code.Line("ArrayView<uint> pairs = weights.Cast<uint>();");
                code.Line("int neuron = (thread & 15) * 2;");
                for (int n = 0; n < loads; n++)
                {
                    code.Line($"int octet{n} = {(n == 0 ? "thread / 16" : "(thread / 16)")}{WarpCode.Plus(n * tile.Threads / 16)};");
                    code.Line($"int place{n} = (octet{n} * {8 * Words * 4}) + (thread & 15);");
                    code.Line($"int turned{n} = octet{n} & 1;");
                    code.Line($"int source{n} = (Grid.IdxX * {tile.Rows / 8}) + octet{n};");
                    if (columnWords % (tile.Rows / 8) != 0)
                    {
                        code.Line($"source{n} = source{n} < {columnWords} ? source{n} : {columnWords - 1};");
                    }

                    EmitPair(n, "neuron", "Words4 ");
                }

                EmitLoop(
                    padded / MatrixTile.Side,
                    padded / 8,
                    () =>
                    {
                        for (int n = 0; n < loads; n++)
                        {
                            code.Line($"ArrayView<uint> to{n} = pairs.SubView((half * {tile.Rows * Words * 4}) + place{n});");
                            for (int j = 0; j < 8; j++)
                            {
                                char word = "XYZW"[j / 2];
                                string pair = $"SplitHalves.{(j % 2 == 0 ? "Lower" : "Upper")}(even{n}.{word}, odd{n}.{word})";
                                string turned = j == 0 ? $"turned{n}" : $"({j} ^ turned{n})";
                                code.Line($"to{n}[{turned} * {Words * 4}] = {pair};");
                            }
                        }
                    },
                    () =>
                    {
                        for (int n = 0; n < loads; n++)
                        {
                            EmitPair(n, $"(next * {MatrixTile.Side}) + neuron", "");
                        }
                    },
                    turns: true);
                code.Line(store);
            })
        {
            Weights = WeightType.F16,
            NeedsTensorCores = true,
        };

        void EmitPair(int n, string neuron, string type)
        {
            // Neurons beyond the last are padding, whose activations are zero.
            bool isInside = rows == padded || (type.Length > 0 && last >= MatrixTile.Side);
            string Row(string row) => isInside ? row == "neuron" ? row : $"({row})" : $"({row} < {last} ? {row} : {last})";
            code.Line($"{type}even{n} = words[({Row(neuron)} * {columnWords}) + source{n}];");
            code.Line($"{type}odd{n} = words[({Row($"{neuron} + 1")} * {columnWords}) + source{n}];");
        }
    }

    /// <summary>Declares the tiles and the inputs' loads.</summary>
    /// <param name="inputWords">Words of a token's first halves.</param>
    private void EmitStart(int inputWords)
    {
        code.Lines($"""
            ArrayView<Words4> weights = SharedMemory.Allocate<Words4>({2 * tile.Rows * Words});
            ArrayView<Words4> highs = SharedMemory.Allocate<Words4>({2 * tile.Tokens * Words});
            ArrayView<Words4> lows = SharedMemory.Allocate<Words4>({2 * tile.Tokens * Words});
            int thread = Group.IdxX;
            int lane = thread & 31;
            """);
        if (tile.RowWarps > 1)
        {
            code.Line($"int rowWarp = (thread / 32) & {tile.RowWarps - 1};");
        }

        if (tile.TokenWarps > 1)
        {
            code.Line($"int tokenWarp = thread / {32 * tile.RowWarps};");
        }

        code.Line($"int part = thread & {Words - 1};");
        code.Line($"int firstToken = (Grid.IdxY * {tile.Tokens}) + (thread / {Words});");
        for (int n = 0; n < InputLoads; n++)
        {
            string token = n == 0 ? "firstToken" : $"firstToken + {n * tile.Threads / Words}";
            code.Line($"int input{n} = (({token} < tokens ? {token} : tokens - 1) * {2 * inputWords}) + part;");
            code.Line($"Words4 high{n} = halves[input{n}];");
            code.Line($"Words4 low{n} = halves[input{n} + {inputWords}];");
        }
    }

    private string RowWarp(int distance) => tile.RowWarps == 1 ? "" : $" + (rowWarp * {distance})";

    private string TokenWarp(int distance) => tile.TokenWarps == 1 ? "" : $" + (tokenWarp * {distance})";

    private int InputLoads => Words / tile.RowWarps;

    /// <summary>Writes the pipeline: store what was loaded, wait for all, load what comes next, multiply.</summary>
    /// <param name="inputWords">Words of a token's first halves.</param>
    private void EmitLoop(int steps, int inputWords, Action store, Action load, bool turns)
    {
        code.Line("Tile32x32 sums = default;");
        using (code.Block($"for (int step = 0; step < {steps}; step++)"))
        {
            code.Line("int half = step & 1;");
            store();
            for (int n = 0; n < InputLoads; n++)
            {
                code.Line($"highs[(half * {tile.Tokens * Words}) + thread{WarpCode.Plus(n * tile.Threads)}] = high{n};");
                code.Line($"lows[(half * {tile.Tokens * Words}) + thread{WarpCode.Plus(n * tile.Threads)}] = low{n};");
            }

            code.Line("Group.Barrier();");
            code.Line();
            code.Line("int next = step + 1;");
            using (code.Block($"if (next < {steps})"))
            {
                load();
                for (int n = 0; n < InputLoads; n++)
                {
                    code.Line($"high{n} = halves[input{n} + (next * {Words})];");
                    code.Line($"low{n} = halves[input{n} + (next * {Words}) + {inputWords}];");
                }
            }

            code.Line();
            code.Line($"ArrayView<Words4> w = weights.SubView({(tile.RowWarps == 1 ? $"half * {tile.Rows * Words}" : $"(half * {tile.Rows * Words}){RowWarp(MatrixTile.Side * Words)}")});");
            string Row(int n) => turns && n % 2 == 1 ? $"w[(lane ^ 4){WarpCode.Plus(32 * n)}]" : $"w[lane{WarpCode.Plus(32 * n)}]";
            for (int n = 0; n < 4; n++)
            {
                code.Line($"Words4 w{n} = {Row(n)};");
            }

            string input = $"(half * {tile.Tokens * Words}){TokenWarp(MatrixTile.Side * Words)} + lane";
            code.Line($"sums.Add(w0, w1, w2, w3, highs.SubView({input}));");
            code.Line($"sums.Add(w0, w1, w2, w3, lows.SubView({input}));");
        }

        code.Line();
        code.Line($"int token = (Grid.IdxY * {tile.Tokens}){TokenWarp(MatrixTile.Side)} + ((lane & 3) * 2);");
        code.Line($"int row = (Grid.IdxX * {tile.Rows}){RowWarp(MatrixTile.Side)} + (lane / 4);");
    }
}
