using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Kernels that rotate queries and keys, and put them and values where they belong: of one token after their dot products, or after those of products.</summary>
internal sealed class HeadKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    private readonly AttentionSpec _attention = plan.Spec.Attention;
    private readonly RowKernels _rows = new(code, plan);

    /// <summary>What the norm before the heads takes.</summary>
    private IEnumerable<KernelParameter> Norm => !plan.HeadsNormalise ? []
        : plan.Spec.Norm.Kind == NormKind.Layer ? [KernelParameter.Quads("weight"), KernelParameter.Quads("bias")]
        : [KernelParameter.Quads("weight")];

    /// <summary>What kernels of heads are told where some layers do not rotate.</summary>
    private KernelParameter[] Turns => _attention.Unrotated is null ? [] : [KernelParameter.Int("turns")];

    /// <summary>Query, key and value: two rows of a head for a warp, which turns them together and puts them where they belong.</summary>
    public DeviceKernel Heads(WeightType type)
    {
        RowPlan row = RowPlan.Of(type, plan.Spec.Hidden);
        return new DeviceKernel(
            $"Heads{type}",
            IlgpuDecoderPlan.RowThreads,
            $"{(plan.HeadsNormalise ? "The norm of one token, and of it query" : "Query")}, key and value, rotated and cached: a pair of a head's rows for a warp.",
            [
                .. KernelParameter.Matrix(row), KernelParameter.Quads("x"), .. Norm, new KernelParameter("HeadViews", "views"),
                KernelParameter.Int("firstHead"), KernelParameter.Int("heads"), KernelParameter.Int("position"), KernelParameter.Int("halves"), .. Turns,
            ],
            () =>
            {
                string input = _rows.EmitInput(row, plan.HeadsNormalise ? new NormStage(code, plan, IlgpuDecoderPlan.RowThreads) : null);
                code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
                code.Line($"int units = heads * {plan.HeadPairs};");
                code.Line($"int end = first + {IlgpuDecoderPlan.RowsPerWarp} < units ? first + {IlgpuDecoderPlan.RowsPerWarp} : units;");
                code.Line("float ownA = 0f;");
                code.Line("float ownB = 0f;");
                using (code.Block("for (int unit = first; unit < end; unit++)"))
                {
                    EmitUnit("unit");
                    WarpCode.EmitDot(code, row, "a", "words", "scales", "(local + d0)", input, plan.SharesInput(row));
                    WarpCode.EmitDot(code, row, "b", "words", "scales", "(local + d1)", input, plan.SharesInput(row));
                    using (code.Block("if (lane == unit - first)"))
                    {
                        code.Line("ownA = a;");
                        code.Line("ownB = b;");
                    }
                }

                code.Line();
                code.Line("// A pair for a lane: neighbours are stored together.");
                using (code.Block("if (lane < end - first)"))
                {
                    code.Line("float a = ownA;");
                    code.Line("float b = ownB;");
                    code.Line("int own = first + lane;");
                    code.Line($"int head = firstHead + {(plan.HeadPairs == 1 ? "own" : $"({OfHead("own")})")};");
                    EmitUnit("own");
                    EmitTurn("(firstHead * " + _attention.HeadDimension + ") + local");
                    EmitPlace("");
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>Prompts: what <see cref="Heads"/> does after its dot products, for a batch.</summary>
    public DeviceKernel Rotate() => Rotate(
        "RotateBatch", "Queries, keys and values of a prompt's tokens", [KernelParameter.Int("start")], "int position = start + Grid.IdxY;");

    /// <summary>The same for the tokens of several sequences: each has a position and a cache of its own.</summary>
    public DeviceKernel RotateTogether() => Rotate(
        "RotateTogether",
        "Queries, keys and values of a token of each sequence",
        [KernelParameter.Caches("caches"), KernelParameter.Ints("positionOf")],
        """
        int position = positionOf[Grid.IdxY];
        views.Cache = caches.Of(Grid.IdxY).Cast<float>();
        views.HalfCache = caches.Of(Grid.IdxY).Cast<ushort>();
        """);

    /// <param name="where">What says where a token is.</param>
    /// <param name="position">Statements that declare its <c>position</c>.</param>
    private DeviceKernel Rotate(string name, string what, KernelParameter[] where, string position)
    {
        int rows = plan.Shape.QueryWidth + (2 * plan.Shape.KeyValueWidth);
        int units = (_attention.Heads + (2 * _attention.KeyValueHeads)) * plan.HeadPairs;
        return new DeviceKernel(
            name,
            FeedForwardIlgpuClass.BatchThreads,
            $"{what}, rotated and cached: a pair of a head's elements for a thread.",
            [KernelParameter.Floats("products"), new KernelParameter("HeadViews", "views"), .. where, KernelParameter.Int("halves"), .. Turns],
            () =>
            {
                code.Line($"int unit = (Grid.IdxX * {FeedForwardIlgpuClass.BatchThreads}) + Group.IdxX;");
                using (units % FeedForwardIlgpuClass.BatchThreads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (unit < {units})"))
                {
                    code.Lines(position);
                    code.Line($"int head = {OfHead("unit")};");
                    EmitUnit("unit");
                    code.Lines($"""
                        float a = products[(Grid.IdxY * {rows}) + local + d0];
                        float b = products[(Grid.IdxY * {rows}) + local + d1];
                        """);
                    EmitTurn("local");
                    EmitPlace($"(Grid.IdxY * {_attention.Heads * plan.CachedHead}) + ");
                }
            });
    }

    /// <summary>What is left of an index, which is never negative; a mask where it can be, for ILGPU leaves a remainder as it is.</summary>
    private static string Remainder(string index, int divisor) =>
        divisor == 1 ? "0" : (divisor & (divisor - 1)) == 0 ? $"{index} & {divisor - 1}" : $"{index} % {divisor}";

    /// <summary>Which head a pair is of.</summary>
    private string OfHead(string pair) => plan.HeadPairs == 1 ? pair : $"{pair} / {plan.HeadPairs}";

    /// <summary>Writes where a pair's head begins among the rows, and which two of its elements the pair is.</summary>
    private void EmitUnit(string unit)
    {
        code.Line($"int pair = {Remainder(unit, plan.HeadPairs)};");
        EmitPair();
        code.Line($"int local = {OfHead(unit)}{(_attention.HeadDimension == 1 ? "" : $" * {_attention.HeadDimension}")};");
    }

    /// <summary>Writes which two elements of a head a pair is.</summary>
    private void EmitPair()
    {
        int half = _attention.RopeDimensions / 2;
        int size = _attention.HeadDimension;
        if (!_attention.IsRotated || _attention.RopePairing == RopePairing.Interleaved)
        {
            code.Line("int d0 = pair * 2;");
            code.Line(size % 2 == 0 ? "int d1 = d0 + 1;" : $"int d1 = d0 + 1 < {size} ? d0 + 1 : d0;");
            return;
        }

        if (2 * half == size)
        {
            code.Line("int d0 = pair;");
            code.Line($"int d1 = pair + {half};");
            return;
        }

        code.Line($"int d0 = pair < {half} ? pair : {2 * half} + ((pair - {half}) * 2);");
        string last = size % 2 == 0 ? "d0 + 1" : $"d0 + 1 < {size} ? d0 + 1 : d0";
        code.Line($"int d1 = pair < {half} ? pair + {half} : {last};");
    }

    /// <summary>Writes biases and rotation of <c>a</c> and <c>b</c>; values are not turned.</summary>
    private void EmitTurn(string row)
    {
        int half = _attention.RopeDimensions / 2;
        if (_attention.QueryKeyValueBiases)
        {
            code.Line($"a += views.Bias[{row} + d0];");
            code.Line($"b += views.Bias[{row} + d1];");
        }

        if (!_attention.IsRotated)
        {
            return;
        }

        string rotated = half == plan.HeadPairs ? "" : $" && pair < {half}";
        string turns = _attention.Unrotated is null ? "" : "turns == 1 && ";
        using (code.Block($"if ({turns}head < {_attention.Heads + _attention.KeyValueHeads}{rotated})"))
        {
            code.Lines($"""
                float c = views.Cos[(position * {half}) + pair];
                float s = views.Sin[(position * {half}) + pair];
                float turned = (a * c) - (b * s);
                b = (a * s) + (b * c);
                a = turned;
                """);
        }

        code.Line();
    }

    /// <summary>Writes where <c>a</c> and <c>b</c> go.</summary>
    private void EmitPlace(string offset)
    {
        int heads = _attention.Heads;
        int size = plan.CachedHead;
        using (code.Block($"if (head < {heads})"))
        {
            EmitTwo("views.Queries", $"{offset}(head * {size})", value => value);
        }

        using (code.Block("else"))
        {
            code.Line($"long cached = ((long)position * {plan.CachedRow}) + ((head - {heads}) * {size});");
            using (code.Block("if (halves == 1)"))
            {
                EmitTwo("views.HalfCache", "cached", value => $"F16.Narrow({value})");
            }

            using (code.Block("else"))
            {
                EmitTwo("views.Cache", "cached", value => value);
            }
        }
    }

    private void EmitTwo(string view, string start, Func<string, string> stored)
    {
        code.Line($"{view}[{start} + d0] = {stored("a")};");
        bool odd = _attention.HeadDimension % 2 != 0;
        using (odd ? code.Block("if (d1 != d0)") : default(CodeWriter.Scope?))
        {
            code.Line($"{view}[{start} + d1] = {stored("b")};");
        }
    }
}
