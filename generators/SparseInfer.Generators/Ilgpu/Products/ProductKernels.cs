using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Matrix products of prompts, in tiles: a group widens 16 columns of its rows into shared memory, beside those columns of its tokens, and
/// its threads multiply them in registers while the next columns are on their way.
/// </summary>
internal sealed class ProductKernels(CodeWriter code, ProductTile tile)
{
    /// <summary>y = W x for a batch: W's rows are dotted with the inputs.</summary>
    public DeviceKernel Product(WeightType type, int columns)
    {
        RowPlan row = RowPlan.Of(type, columns);
        var weights = new ProductRows(code, tile, row);
        var tokens = new ProductTokens(code, tile, row.Columns / 4, weights.InputQuad, row.Columns / 4 < weights.Steps * ProductTile.Depth / 4);
        return new DeviceKernel(
            $"Product{type}x{columns}",
            tile.Threads,
            $"Matrix product of a prompt's tokens: rows of {columns} weights with each token's input. {Describe("rows")}",
            [
                .. KernelParameter.Matrix(row), KernelParameter.Quads("x"), KernelParameter.Int("tokens"), KernelParameter.Int("rows"), KernelParameter.Int("firstRow"),
                KernelParameter.Floats("y"), KernelParameter.Int("stride"),
            ],
            () =>
            {
                Emit(weights, tokens);
                code.Line("ArrayView<float> result = y.SubView(firstRow);");
                ForSums((sums, quad, token) => code.Line(
                    $"{sums}.StoreRows(result, stride, {token}, tokens, (Grid.IdxX * {tile.Rows}) + {quad}, {tile.RowQuads}, rows);"));
            })
        {
            Weights = type,
        };
    }

    /// <summary>y = h down for a batch, down neuron-major: neurons in ascending order.</summary>
    public DeviceKernel Down(IlgpuFeedForwardPlan feedForward)
    {
        RowPlan row = feedForward.Row;
        bool biased = feedForward.Spec.Biases;
        IEnumerable<KernelParameter> bias = biased ? [KernelParameter.Quads("bias")] : [];
        int padded = feedForward.Shape.PaddedIntermediate;
        var weights = new ProductNeurons(code, tile, row, feedForward.Intermediate, padded);
        var tokens = new ProductTokens(code, tile, padded / 4, weights.InputQuad, mayPassTheEnd: false);
        return new DeviceKernel(
            $"ProductDown{row.Weights}",
            tile.Threads,
            $"Down for a prompt's tokens: each token's activations times the rows of down, neurons in ascending order. {Describe("columns")}",
            [
                KernelParameter.Words("words"), .. row.IsBlock ? [KernelParameter.Words("scales")] : Array.Empty<KernelParameter>(),
                KernelParameter.Quads("x"), KernelParameter.Int("tokens"), .. bias, KernelParameter.Quads("y"),
            ],
            () =>
            {
                Emit(weights, tokens);
                int quads = row.Columns / 4;
                for (int a = 0; a < Sides; a++)
                {
                    code.Line($"int quad{a} = (Grid.IdxX * {tile.RowQuads}) + {Quad("rowQuad", a, tile.RowQuads)};");
                    if (biased)
                    {
                        string quad = quads % tile.RowQuads == 0 ? $"quad{a}" : $"quad{a} < {quads} ? quad{a} : {quads - 1}";
                        code.Line($"Float4 bias{a} = bias[{quad}];");
                    }
                }

                ForSums((sums, quad, token) =>
                {
                    char a = quad.EndsWith("rowQuad", StringComparison.Ordinal) ? '0' : '1';
                    if (biased)
                    {
                        code.Line($"{sums}.AddBias(bias{a});");
                    }

                    code.Line($"{sums}.StoreQuads(y, {quads}, {token}, tokens, quad{a});");
                });
            })
        {
            Weights = row.Weights,
        };
    }

    /// <summary>The same of a projection that has a row for each channel of its input: channels in ascending order.</summary>
    /// <param name="row">A channel's outputs.</param>
    /// <param name="outputs">How many there are.</param>
    /// <param name="channels">Channels of a token.</param>
    public DeviceKernel ByChannel(RowPlan row, int outputs, int channels)
    {
        int padded = WeightLayout.Pad(channels);
        var weights = new ProductNeurons(code, tile, row, channels, padded);
        var tokens = new ProductTokens(code, tile, padded / 4, weights.InputQuad, mayPassTheEnd: false);
        return new DeviceKernel(
            $"ProductOf{channels}Channels{row.Weights}x{outputs}",
            tile.Threads,
            $"Matrix product of a prompt's tokens: each token's input times the rows of its {channels} channels, in ascending order. {Describe("outputs")}",
            [
                KernelParameter.Words("words"), .. row.IsBlock ? [KernelParameter.Words("scales")] : Array.Empty<KernelParameter>(),
                KernelParameter.Quads("x"), KernelParameter.Int("tokens"), KernelParameter.Int("firstOutput"), KernelParameter.Floats("y"), KernelParameter.Int("stride"),
            ],
            () =>
            {
                Emit(weights, tokens);
                code.Line("ArrayView<float> result = y.SubView(firstOutput);");
                ForSums((sums, quad, token) => code.Line(
                    $"{sums}.StoreColumns(result, stride, {token}, tokens, ((Grid.IdxX * {tile.RowQuads}) + {quad}) * 4, {outputs});"));
            })
        {
            Weights = row.Weights,
        };
    }

    /// <summary>Adds a bias to every row of a batch: a product of a prompt's has none of its own.</summary>
    /// <param name="quads">Quads of a token.</param>
    public DeviceKernel AddBias(int quads) => new(
        "AddBias",
        FeedForwardIlgpuClass.BatchThreads,
        "Adds the output projection's bias for a batch. A thread a quad.",
        [KernelParameter.Quads("x"), KernelParameter.Quads("bias")],
        () =>
        {
            code.Line($"int quad = (Grid.IdxX * {FeedForwardIlgpuClass.BatchThreads}) + Group.IdxX;");
            using (quads % FeedForwardIlgpuClass.BatchThreads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (quad < {quads})"))
            {
                code.Line($"x[(Grid.IdxY * {quads}) + quad] = Quad.Add(x[(Grid.IdxY * {quads}) + quad], bias[quad]);");
            }
        });

    private string Describe(string rows) =>
        $"A group has {tile.Rows} {rows} of {tile.Tokens} tokens, a thread {tile.Side} of {tile.Side}.";

    private int Sides => tile.Side / 4;

    /// <summary>Writes the pipeline: store what was loaded, wait for all, load what comes next, multiply.</summary>
    private void Emit(ProductWeights weights, ProductTokens tokens)
    {
        code.Lines($"""
            ArrayView<Float4> weights = SharedMemory.Allocate<Float4>({2 * ProductTile.Depth * tile.RowQuads});
            ArrayView<Float4> inputs = SharedMemory.Allocate<Float4>({2 * ProductTile.Depth * tile.TokenQuads});
            int thread = Group.IdxX;
            int rowQuad = thread & {tile.RowThreads - 1};
            int tokenQuad = thread / {tile.RowThreads};
            """);
        code.Line();
        weights.EmitStart();
        code.Line();
        tokens.EmitStart();
        code.Line();
        code.Line($"Tile{tile.Side}x{tile.Side} sums = default;");
        using (code.Block($"for (int step = 0; step < {weights.Steps}; step++)"))
        {
            code.Line("int half = step & 1;");
            weights.EmitStore();
            tokens.EmitStore();
            code.Line("Group.Barrier();");
            code.Line();
            code.Line("int next = step + 1;");
            using (code.Block($"if (next < {weights.Steps})"))
            {
                weights.EmitLoad("next");
                tokens.EmitLoad("next");
            }

            code.Line();
            EmitMultiply(weights);
        }

        code.Line();
    }

    private void EmitMultiply(ProductWeights weights)
    {
        int rows = tile.RowQuads;
        int tokens = tile.TokenQuads;
        using (code.Block($"for (int depth = 0; depth < {ProductTile.Depth}; depth += {ProductTile.Unrolled})"))
        {
            IReadOnlyList<string> places = weights.Places;
            for (int a = 0; a < places.Count; a++)
            {
                code.Line($"ArrayView<Float4> w{a} = weights.SubView((((half * {ProductTile.Depth}) + depth) * {rows}) + {places[a]});");
            }

            code.Line($"ArrayView<Float4> x0 = inputs.SubView((((half * {ProductTile.Depth}) + depth) * {tokens}) + (tokenQuad ^ (depth / 2)));");
            for (int k = 0; k < ProductTile.Unrolled; k++)
            {
                string w0 = $"w0[{k * rows}]";
                string w1 = places.Count == 1 ? $"w0[{(k * rows) + (rows / 2)}]" : $"w1[{k * rows}]";
                string x0 = $"x0[{k * tokens}]";
                string x1 = $"x0[{(k * tokens) + (tokens / 2)}]";
                code.Line(tile.Side == 4 ? $"sums.Add({w0}, {x0});" : $"sums.Add({w0}, {w1}, {x0}, {x1});");
            }
        }
    }

    /// <summary>Writes something for each of a thread's sums of four rows and four tokens.</summary>
    /// <param name="emit">What takes the sums, their quad in the group's rows and their first token.</param>
    private void ForSums(Action<string, string, string> emit)
    {
        code.Line($"int token = (Grid.IdxY * {tile.Tokens}) + (tokenQuad * 4);");
        for (int b = 0; b < Sides; b++)
        {
            for (int a = 0; a < Sides; a++)
            {
                emit(
                    Sides == 1 ? "sums" : $"sums.Y{a}{b}",
                    Quad("rowQuad", a, tile.RowQuads),
                    b == 0 ? "token" : $"token + {tile.Tokens / 2}");
            }
        }
    }

    private static string Quad(string first, int a, int quads) => a == 0 ? first : $"{first} + {quads / 2}";
}
