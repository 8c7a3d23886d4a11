using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>
/// Matrix products of prompts, in tiles: a group widens 32 columns of 64 rows into shared memory, beside those columns of 32 tokens; a
/// thread has 4 rows of 2 tokens in registers.
/// </summary>
internal sealed class ProductKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    private const int Threads = IlgpuDecoderPlan.RowThreads;
    private const int Rows = IlgpuDecoderPlan.ProductRows;
    private const int Tokens = IlgpuDecoderPlan.ProductTokens;

    /// <summary>Columns of a step, and rows of down: a block of the types that have blocks.</summary>
    private const int Depth = 32;

    /// <summary>Distances that spread a column of a tile over the banks of shared memory.</summary>
    private const int RowStride = Rows + 1;

    private const int TokenStride = Tokens + 1;

    private static IEnumerable<KernelParameter> Matrix(RowPlan row) => row.IsBlock
        ? [KernelParameter.Words("words"), KernelParameter.Scales("scales")]
        : [KernelParameter.Words("words")];

    /// <summary>y = W x for a batch: W's rows are dotted with the inputs.</summary>
    public DeviceKernel Product(WeightType type, int columns)
    {
        RowPlan row = RowPlan.Of(type, columns);
        return new DeviceKernel(
            $"Product{type}x{columns}",
            $"Matrix product of a prompt's tokens: rows of {columns} weights with each token's input.",
            [
                .. Matrix(row), KernelParameter.Quads("x"), KernelParameter.Int("tokens"), KernelParameter.Int("rows"), KernelParameter.Int("firstRow"),
                KernelParameter.Floats("y"), KernelParameter.Int("stride"),
            ],
            () =>
            {
                EmitStart();
                using (code.Block($"for (int step = 0; step < {row.Columns / Depth}; step++)"))
                {
                    EmitRowTile(row);
                    EmitTokenTile($"{row.Columns / 4}", "step * 8");
                    EmitMultiply();
                }

                code.Line();
                EmitResult("rows", "firstRow + ", "stride");
            });
    }

    /// <summary>y = h down for a batch, down neuron-major: neurons in ascending order.</summary>
    public DeviceKernel Down(IlgpuFeedForwardPlan feedForward)
    {
        RowPlan row = feedForward.Row;
        bool biased = plan.Spec.FeedForward.Biases;
        IEnumerable<KernelParameter> bias = biased ? [KernelParameter.Floats("bias")] : [];
        int padded = feedForward.Shape.PaddedIntermediate;
        return new DeviceKernel(
            $"ProductDown{row.Weights}",
            "Down for a prompt's tokens: each token's activations times the rows of down, neurons in ascending order.",
            [
                KernelParameter.Words("words"), .. row.IsBlock ? [KernelParameter.Words("scales")] : Array.Empty<KernelParameter>(),
                KernelParameter.Quads("x"), KernelParameter.Int("tokens"), .. bias, KernelParameter.Floats("y"),
            ],
            () =>
            {
                EmitStart();
                using (code.Block($"for (int step = 0; step < {padded / Depth}; step++)"))
                {
                    EmitDownTile(row);
                    EmitTokenTile($"{padded / 4}", "step * 8");
                    EmitMultiply();
                }

                code.Line();
                EmitResult($"{plan.Spec.Hidden}", "", $"{row.Columns}", biased);
            });
    }

    /// <summary>Adds a bias to every row of a batch: a product of a prompt's has none of its own.</summary>
    public DeviceKernel AddBias() => new(
        "AddBias",
        "Adds the output projection's bias for a batch. A thread a quad.",
        [KernelParameter.Quads("x"), KernelParameter.Quads("bias")],
        () =>
        {
            code.Line($"int quad = (Grid.IdxX * {FeedForwardIlgpuClass.BatchThreads}) + Group.IdxX;");
            using (code.Block($"if (quad < {plan.HiddenQuads})"))
            {
                code.Line($"x[(Grid.IdxY * {plan.HiddenQuads}) + quad] = Quad.Add(x[(Grid.IdxY * {plan.HiddenQuads}) + quad], bias[quad]);");
            }
        });

    private void EmitStart()
    {
        code.Lines($"""
            ArrayView<float> weights = SharedMemory.Allocate<float>({Depth * RowStride});
            ArrayView<float> inputs = SharedMemory.Allocate<float>({Depth * TokenStride});
            int thread = Group.IdxX;
            int column = thread & 15;
            int pair = thread / 16 * 2;
            int rowTile = Grid.IdxX * {Rows};
            int tokenTile = Grid.IdxY * {Tokens};
            """);
        foreach (int token in new[] { 0, 1 })
        {
            code.Line($"float {string.Join(", ", Enumerable.Range(0, 4).Select(k => $"y{token}{k} = 0f"))};");
        }
    }

    private void EmitRowTile(RowPlan row)
    {
        int each = Depth / row.PerLoad;
        ForLoads(Rows * each, () =>
        {
            code.Line(each == 1 ? "int r = i;" : $"int r = i / {each};");
            code.Line("int source = rowTile + r < rows ? rowTile + r : rows - 1;");
            string word = each == 1 ? "step" : $"(step * {each}) + (i & {each - 1})";
            code.Line($"Words4 tile = words[(source * {row.Words}) + {word}];");
            if (row.IsBlock)
            {
                code.Line($"ushort scale = scales[(source * {row.Scales}) + step];");
            }

            code.Line(each == 1 ? "int to = r;" : $"int to = ((i & {each - 1}) * {row.PerLoad * RowStride}) + r;");
            EmitWiden(row, RowStride);
        });
    }

    private void EmitDownTile(RowPlan row)
    {
        int each = Rows / row.PerLoad;
        int lastNeuron = plan.Spec.FeedForward.Intermediate - 1;
        ForLoads(Depth * each, () =>
        {
            code.Lines($"""
                int depth = i / {each};
                int neuron = (step * {Depth}) + depth < {lastNeuron} ? (step * {Depth}) + depth : {lastNeuron};
                int word = (Grid.IdxX * {each}) + (i & {each - 1});
                int source = word < {row.Words} ? word : {row.Words - 1};
                Words4 tile = words[(neuron * {row.Words}) + source];
                """);
            code.Line($"int to = (depth * {RowStride}) + ((i & {each - 1}) * {row.PerLoad});");
            if (!row.IsBlock)
            {
                EmitWiden(row, 1);
                return;
            }

            // A step is a block: its columns' scales stand in one row.
            code.Line($"int scale = (step * {row.Columns / 8}) + (source * {row.Quads / 2});");
            for (int j = 0; j < row.Quads; j++)
            {
                if (j % 2 == 0)
                {
                    code.Line($"Words4 scales{j / 2} = scales[scale{(j == 0 ? "" : $" + {j / 2}")}];");
                }

                code.Line($"Float4 quad{j} = Quad.Product({row.Weights}.Widen{j}(tile, {HalfOne}), F16.Widen{j % 2}(scales{j / 2}));");
                EmitQuad(j, 1);
            }
        });
    }

    /// <summary>The half 1.0: quants as they are.</summary>
    private const string HalfOne = "0x3c00";

    private void EmitWiden(RowPlan row, int stride)
    {
        for (int j = 0; j < row.Quads; j++)
        {
            code.Line($"Float4 quad{j} = {row.Weights}.Widen{j}(tile{(row.IsBlock ? ", scale" : "")});");
            EmitQuad(j, stride);
        }
    }

    private void EmitQuad(int j, int stride)
    {
        for (int k = 0; k < 4; k++)
        {
            int offset = ((4 * j) + k) * stride;
            code.Line($"weights[to{(offset == 0 ? "" : $" + {offset}")}] = quad{j}.{"XYZW"[k]};");
        }
    }

    private void EmitTokenTile(string quadsOfToken, string first)
    {
        ForLoads(Tokens * 8, () =>
        {
            code.Lines($"""
                int token = i / 8;
                int source = tokenTile + token < tokens ? tokenTile + token : tokens - 1;
                Float4 quad = x[(source * {quadsOfToken}) + ({first}) + (i & 7)];
                int to = ((i & 7) * {4 * TokenStride}) + token;
                inputs[to] = quad.X;
                inputs[to + {TokenStride}] = quad.Y;
                inputs[to + {2 * TokenStride}] = quad.Z;
                inputs[to + {3 * TokenStride}] = quad.W;
                """);
        });
        code.Line("Group.Barrier();");
    }

    /// <summary>Writes a loop over loads that the group's threads share; none where each thread has exactly one.</summary>
    private void ForLoads(int loads, Action emit)
    {
        using (loads >= Threads ? code.Block($"for (int i = thread; i < {loads}; i += {Threads})") : code.Block($"if (thread < {loads})"))
        {
            if (loads < Threads)
            {
                code.Line("int i = thread;");
            }

            emit();
        }

        code.Line();
    }

    private void EmitMultiply()
    {
        using (code.Block($"for (int depth = 0; depth < {Depth}; depth++)"))
        {
            code.Line($"float x0 = inputs[(depth * {TokenStride}) + pair];");
            code.Line($"float x1 = inputs[(depth * {TokenStride}) + pair + 1];");
            for (int k = 0; k < 4; k++)
            {
                code.Line($"float w{k} = weights[(depth * {RowStride}) + column{(k == 0 ? "" : $" + {16 * k}")}];");
                code.Line($"y0{k} += w{k} * x0;");
                code.Line($"y1{k} += w{k} * x1;");
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
    }

    private void EmitResult(string rows, string offset, string stride, bool biased = false)
    {
        for (int token = 0; token < 2; token++)
        {
            code.Line($"int token{token} = tokenTile + pair{(token == 0 ? "" : " + 1")};");
            using (code.Block($"if (token{token} < tokens)"))
            {
                for (int k = 0; k < 4; k++)
                {
                    string row = $"rowTile + column{(k == 0 ? "" : $" + {16 * k}")}";
                    using (code.Block($"if ({row} < {rows})"))
                    {
                        code.Line($"y[(token{token} * {stride}) + {offset}{row}] = y{token}{k}{(biased ? $" + bias[{row}]" : "")};");
                    }

                    code.Line();
                }
            }

            code.Line();
        }
    }
}
