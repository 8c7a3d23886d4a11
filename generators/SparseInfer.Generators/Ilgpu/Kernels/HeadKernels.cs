using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Kernels that rotate queries and keys, and put them and values where they belong: of one token after their dot products, or after those of products.</summary>
internal sealed partial class HeadKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    private readonly AttentionSpec _attention = plan.Spec.Attention;
    private readonly RowKernels _rows = new(code, plan);

    /// <summary>Which heads have queries; null: all.</summary>
    private readonly KeptHeads? _kept = KeptHeads.SkipsQueries(plan) ? new(code, plan) : null;

    /// <summary>What the norm before the heads takes.</summary>
    private IEnumerable<KernelParameter> Norm => !plan.HeadsNormalise ? []
        : plan.Spec.Norm.Kind == NormKind.Layer ? [KernelParameter.Quads("weight"), KernelParameter.Quads("bias")]
        : [KernelParameter.Quads("weight")];

    /// <summary>What kernels of heads are told where some layers do not rotate.</summary>
    private KernelParameter[] Turns => _attention.Unrotated is null ? [] : [KernelParameter.Int("turns")];

    /// <summary>The weights of the norms of queries and keys, where heads have any.</summary>
    private KernelParameter[] HeadNorms => plan.NormsHeads ? [KernelParameter.Floats("norms")] : [];

    private int QueryKeyHeads => _attention.Heads + _attention.KeyValueHeads;

    /// <summary>What a kernel's summary says is done to heads.</summary>
    private string Done => plan.NormsHeads ? "normalised, rotated and cached" : "rotated and cached";

    /// <summary>Query, key and value: rows of a head that belong together, turned together, and put where they belong.</summary>
    public DeviceKernel Heads(WeightType type)
    {
        RowPlan row = RowPlan.Of(type, plan.Spec.Hidden);
        string what = $"{(plan.HeadsNormalise ? "The norm of one token, and of it query" : "Query")}, key and value, {Done}";
        return new DeviceKernel(
            $"Heads{type}",
            plan.HeadThreads,
            $"{what}: {(plan.NormsHeads ? "a head for a group" : "a pair of a head's rows for a warp")}.",
            [
                .. KernelParameter.Matrix(row), KernelParameter.Quads("x"), .. Norm, new KernelParameter("HeadViews", "views"),
                KernelParameter.Int("firstHead"), .. plan.NormsHeads ? [] : new[] { KernelParameter.Int("heads") },
                KernelParameter.Int("position"), KernelParameter.Int("halves"), .. Turns, .. HeadNorms, .. _kept is null ? [] : KeptHeads.Parameters,
            ],
            () =>
            {
                if (plan.NormsHeads)
                {
                    code.Line($"ArrayView<float> values = SharedMemory.Allocate<float>({_attention.HeadDimension}); // the head");
                }

                string input = _rows.EmitInput(row, plan.HeadThreads, plan.HeadsNormalise ? NormStage.OfResidual(code, plan, plan.HeadThreads) : null);
                if (plan.NormsHeads)
                {
                    EmitHead(row, input);
                }
                else
                {
                    EmitPairs(row, input);
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>Writes pairs of rows, a few for a warp: each is turned on its own.</summary>
    private void EmitPairs(RowPlan row, string input)
    {
        code.Line($"int first = ((Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp) * {IlgpuDecoderPlan.RowsPerWarp};");
        code.Line($"int units = heads * {plan.HeadPairs};");
        code.Line($"int end = first + {IlgpuDecoderPlan.RowsPerWarp} < units ? first + {IlgpuDecoderPlan.RowsPerWarp} : units;");
        code.Line("float ownA = 0f;");
        code.Line("float ownB = 0f;");
        using (code.Block("for (int unit = first; unit < end; unit++)"))
        {
            if (_kept is null)
            {
                EmitDots();
            }
            else
            {
                code.Line($"int headOfUnit = firstHead + {(plan.HeadPairs == 1 ? "unit" : $"({OfHead("unit")})")};");
                code.Line("int isLeftOut = 0;");
                using (code.Block($"if ({_kept.IsLeftOut("headOfUnit")})"))
                {
                    code.Line("isLeftOut = 1;");
                }

                code.Line();
                code.Line("// The query of a head that is left out is not read by anyone.");
                using (code.Block("if (isLeftOut == 0)"))
                {
                    EmitDots();
                }
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
            string ofBias = $"(firstHead * {_attention.HeadDimension}) + local";
            EmitBias("a", $"{ofBias} + d0");
            EmitBias("b", $"{ofBias} + d1");
            EmitTurn();
            EmitPlace("");
        }

        void EmitDots()
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
    }

    /// <summary>Writes a whole head, whose norm has to wait for all of its rows.</summary>
    private void EmitHead(RowPlan row, string input)
    {
        code.Line("int head = firstHead + Grid.IdxX;");
        code.Line($"int local = {Rows("Grid.IdxX")};");
        string ofBias = WarpCode.Times("head", _attention.HeadDimension);
        if (_kept is not null)
        {
            code.Line("// The query of a head that is left out is not read by anyone.");
            using (code.Block($"if ({_kept.IsLeftOut("head")})"))
            using (WarpCode.ForEach(code, "left", "thread", _attention.HeadDimension, plan.HeadThreads))
            {
                code.Line("values[left] = 0f;");
            }
        }

        using (_kept is null ? default(CodeWriter.Scope?) : code.Block("else"))
        using (WarpCode.ForEach(code, "unit", "warp", plan.HeadPairs, plan.HeadWarps))
        {
            EmitPair("unit", "rowA", "rowB");
            WarpCode.EmitDot(code, row, "sumA", "words", "scales", "(local + rowA)", input, plan.SharesInput(row));
            WarpCode.EmitDot(code, row, "sumB", "words", "scales", "(local + rowB)", input, plan.SharesInput(row));
            EmitBias("sumA", $"{ofBias} + rowA");
            EmitBias("sumB", $"{ofBias} + rowB");
            using (code.Block("if (lane == 0)"))
            {
                code.Line("values[rowA] = sumA;");
                code.Line("values[rowB] = sumB;");
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
        EmitScale("values[d]", null);
        code.Line();
        using (WarpCode.ForEach(code, "pair", "thread", plan.HeadPairs, plan.HeadThreads))
        {
            EmitPair("pair", "d0", "d1");
            code.Line("float a = values[d0];");
            code.Line("float b = values[d1];");
            EmitTurn();
            EmitPlace("");
        }
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
    private DeviceKernel Rotate(string name, string what, KernelParameter[] where, string position) => new(
        name,
        FeedForwardIlgpuClass.BatchThreads,
        $"{what}, {Done}: {(plan.NormsHeads ? "a head for a warp" : "a pair of a head's elements for a thread")}.",
        [
            KernelParameter.Floats("products"), new KernelParameter("HeadViews", "views"), .. where, KernelParameter.Int("halves"), .. Turns, .. HeadNorms,
        ],
        () =>
        {
            if (plan.NormsHeads)
            {
                EmitHeadOfProducts(position);
            }
            else
            {
                EmitPairOfProducts(position);
            }
        });

    /// <summary>Elements of a token's products: queries, keys, values.</summary>
    private int ProductRow => plan.Shape.QueryWidth + (2 * plan.Shape.KeyValueWidth);

    private int AllHeads => _attention.Heads + (2 * _attention.KeyValueHeads);

    private void EmitPairOfProducts(string position)
    {
        const int Threads = FeedForwardIlgpuClass.BatchThreads;
        int units = AllHeads * plan.HeadPairs;
        code.Line($"int unit = (Grid.IdxX * {Threads}) + Group.IdxX;");
        using (units % Threads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (unit < {units})"))
        {
            code.Lines(position);
            code.Line($"int head = {OfHead("unit")};");
            EmitUnit("unit");
            code.Lines($"""
                float a = products[(Grid.IdxY * {ProductRow}) + local + d0];
                float b = products[(Grid.IdxY * {ProductRow}) + local + d1];
                """);
            EmitBias("a", "local + d0");
            EmitBias("b", "local + d1");
            EmitTurn();
            EmitPlace(OfToken);
        }
    }

    private void EmitHeadOfProducts(string position)
    {
        const int Warps = FeedForwardIlgpuClass.BatchThreads / RowPlan.Lanes;
        code.Line("int lane = Group.IdxX & 31;");
        code.Line($"int head = (Grid.IdxX * {Warps}) + (Group.IdxX / 32);");
        using (AllHeads % Warps == 0 ? default(CodeWriter.Scope?) : code.Block($"if (head < {AllHeads})"))
        {
            code.Lines(position);
            code.Line($"int local = {Rows("head")};");
            code.Line($"int product = (Grid.IdxY * {ProductRow}) + local;");
            EmitScale("products[product + d]", "local + d");
            code.Line();
            using (WarpCode.ForEach(code, "pair", "lane", plan.HeadPairs, RowPlan.Lanes))
            {
                EmitPair("pair", "d0", "d1");
                code.Line("float a = products[product + d0];");
                code.Line("float b = products[product + d1];");
                EmitBias("a", "local + d0");
                EmitBias("b", "local + d1");
                EmitTurn();
                EmitPlace(OfToken);
            }
        }
    }

    /// <summary>Where a token's queries begin.</summary>
    private string OfToken => $"(Grid.IdxY * {_attention.Heads * plan.CachedHead}) + ";
}
