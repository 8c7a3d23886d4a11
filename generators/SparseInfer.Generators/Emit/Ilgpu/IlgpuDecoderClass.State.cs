using SparseInfer.Generators.Plan.Ilgpu;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>One session's buffers and launches.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private void EmitState()
    {
        (string Type, string Name, string Count, string What)[] buffers = [.. Buffers()];
        _code.Summary("One session: key-value cache, activations, and the launches. What depends on its length grows with it, the rest is allocated here.");
        using (_code.Block("private sealed class State : IlgpuDecoderState"))
        {
            _code.Line($"private readonly {_name} _program;");
            foreach (var (type, name, _, _) in buffers)
            {
                _code.Line($"private readonly ArrayView<{type}> {name};");
            }

            _code.Line("private readonly HeadViews[] _views = new HeadViews[LayerCount];");
            _code.Line("private readonly KeyValueCache _cache;");
            foreach (var (type, name, _, _) in Splits)
            {
                _code.Line($"private readonly GrowingBuffer<{type}> {name};");
            }

            _code.Line();
            string counts = string.Join(", ", _feedForwards.Select(plan => $"{plan.ClassName}.Counts"));
            string most = _feedForwards.Length == 1 ? counts : _feedForwards.Select(plan => $"{plan.ClassName}.Counts").Aggregate((a, b) => $"Math.Max({a}, {b})");
            using (_code.Block($"public State({_name} program, int capacity, KeyValueType cacheType) : base(program, capacity, Batch, {most})"))
            {
                _code.Line("_program = program;");
                foreach (var (type, name, count, what) in buffers)
                {
                    _code.Line($"{name} = Buffer<{type}>({count}, \"{what}\").View;");
                }

                _code.Line($"_cache = Cache(cacheType, {_plan.CachedRow});");
                foreach (var (type, name, count, what) in Splits)
                {
                    _code.Line($"{name} = Growing<{type}>({count}, \"{what}\");");
                }

                _code.Line("(ArrayView<float> cos, ArrayView<float> sin) = RotaryTables(program._rope, RopePairs);");
                using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
                {
                    string bias = _attention.QueryKeyValueBiases ? "\n    Bias = program._layers[layer].HeadBiases," : "";
                    _code.Lines($$"""
                        _views[layer] = new HeadViews
                        {
                            Cos = cos,
                            Sin = sin,{{bias}}
                            Queries = _queries.Cast<float>(),
                        };
                        """);
                }
            }

            _code.Line();
            EmitReserve();
            _code.Line();
            EmitDecode();
            _code.Line();
            EmitPrompt();
            _code.Line();
            EmitEmbed();
            _code.Line();
            EmitAttend();
            _code.Line();
            EmitAddNorm();
            _code.Line();
            EmitFeedForward();
            foreach (IlgpuFeedForwardPlan plan in _feedForwards)
            {
                _code.Line();
                EmitPolicies(plan);
            }

            _code.Line();
            EmitLogits();
            _code.Line();
            EmitProduct();
        }
    }

    private IEnumerable<(string Type, string Name, string Count, string What)> Buffers()
    {
        int parts = _feedForwards.Max(plan => plan.Slices * plan.Row.Columns / 4);
        yield return ("Float4", "_x", "Batch * HiddenQuads", "activations");
        yield return ("Float4", "_normed", "Batch * HiddenQuads", "activations");
        if (_packsSigns)
        {
            yield return ("Words4", "_signs", $"Batch * {_plan.SignWords}", "packed signs");
        }

        yield return ("float", "_products", "Batch * (QueryWidth + (2 * KeyValueWidth))", "activations");
        yield return ("Float4", "_queries", "Batch * Heads * HeadQuads", "activations");
        yield return ("Float4", "_attended", "Batch * QueryQuads", "activations");
        yield return ("Float4", "_projected", "Batch * HiddenQuads", "activations");
        yield return ("Float4", "_partial", $"{parts}", "partial sums of down");
        if (_plan.HasMatrixKernels)
        {
            int words = Math.Max(_feedForwards[0].Shape.PaddedIntermediate, Math.Max(_plan.Shape.PaddedHidden, _plan.Shape.PaddedQueryWidth)) / 8;
            yield return ("Words4", "_halves", $"Batch * {2 * words}", "inputs in two halves");
            yield return ("float", "_halfScales", "Batch", "inputs in two halves");
        }

        yield return ("Float4", "_activated", "Batch * IntermediateQuads", "activations");
        if (_spec.FeedForward.Gated)
        {
            yield return ("Float4", "_other", "Batch * IntermediateQuads", "activations");
        }
    }

    /// <summary>What attention leaves of a split, for the first of them: more take as much each.</summary>
    private static readonly (string Type, string Name, string Count, string What)[] Splits =
    [
        ("Float4", "_parts", "(long)Batch * Heads * HeadQuads", SplitsOfAttention),
        ("float", "_most", "(long)Batch * Heads", SplitsOfAttention),
        ("float", "_weight", "(long)Batch * Heads", SplitsOfAttention),
    ];

    private const string SplitsOfAttention = "splits of attention";

    private void EmitReserve()
    {
        _code.Summary("More positions: pages of the cache, and what attention leaves of their splits.");
        using (_code.Block("protected override void Reserve(int positions)"))
        {
            _code.Line("_cache.Reserve(positions, Position);");
            _code.Line($"int splits = (positions + {IlgpuDecoderPlan.SplitPositions - 1}) / {IlgpuDecoderPlan.SplitPositions};");
            foreach (var (_, name, count, what) in Splits)
            {
                _code.Line($"{name}.Grow({count} * splits, 0, \"{what}\");");
            }
        }

        _code.Line();
        _code.Summary("Where a layer's queries, keys and values go. The cache is elsewhere once it has grown.");
        using (_code.Block("private HeadViews Views(int layer)"))
        {
            _code.Lines("""
                HeadViews views = _views[layer];
                views.Cache = _cache.View(layer).Cast<float>();
                views.HalfCache = _cache.View(layer).Cast<ushort>();
                return views;
                """);
        }

        _code.Line();
        _code.Summary("Whether kernels store halves: 1 or 0.");
        _code.Line("private int Halves => _cache.Type == KeyValueType.F16 ? 1 : 0;");
    }

    private static string Config(string x, string threads) => $"new KernelConfig({x}, {threads})";

    private static string Config(string x, string y, string z, string threads) =>
        $"new KernelConfig(new Index3D({x}, {y}, {z}), new Index3D({threads}, 1, 1))";

    /// <summary>Writes a call for the matrix's type: straight, where the model declares one.</summary>
    private void ForType(string matrix, Action<WeightType> emit)
    {
        if (Single)
        {
            emit(_spec.Weights[0]);
            return;
        }

        using (_code.Block($"switch ({matrix}.Type)"))
        {
            foreach (WeightType type in _spec.Weights)
            {
                _code.Line(type.Equals(_spec.Weights[_spec.Weights.Count - 1]) ? "default:" : $"case WeightType.{type}:");
                using (_code.Indent())
                {
                    emit(type);
                    _code.Line("break;");
                }
            }
        }
    }

    private static string Words(string matrix, WeightType type) =>
        Plan.WeightLayout.IsBlock(type) ? $"{matrix}.Words, {matrix}.Scales" : $"{matrix}.Words";

    /// <summary>Arguments that every norm kernel ends with, for a row of the batch; null: from its start.</summary>
    private string NormArguments(string norm, string? row)
    {
        string Part(string view, string width) => row is null ? view : $"{view}.SubView({row} * {width}, {width})";
        string signs = !_packsSigns ? "" : $", {Part("_signs", $"{_plan.SignWords}")}.Cast<uint>()";
        string bias = LayerNorm ? $"{norm}.Bias, " : "";
        return $"{Part("_x", "HiddenQuads")}, {norm}.Weight, {bias}{Part("_normed", "HiddenQuads")}{signs}";
    }

    private void EmitDecode()
    {
        _code.Summary("One token.");
        using (_code.Block("protected override void Decode()"))
        {
            _code.Line("int position = Position;");
            _code.Line("Embed(1);");
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                using (_code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    _code.Line("int firstHead = heads.FirstRow / HeadDimension;");
                    _code.Line("int count = heads.Rows / HeadDimension;");
                    int perGroup = IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp;
                    _code.Line($"int groups = ((count * {_plan.HeadPairs}) + {perGroup - 1}) / {perGroup};");
                    ForType("heads", type => _code.Line(
                        $"_program._heads{type}({Config("groups", $"{IlgpuDecoderPlan.RowThreads}")}, {Words("heads", type)}, _normed, Views(layer), "
                        + "firstHead, count, position, Halves);"));
                }

                _code.Line();
                _code.Line("Attend(layer, position, 1);");
                string rows = Groups("Hidden");
                ForType("w.Output", type =>
                {
                    string outputBias = _attention.OutputBias ? "w.OutputBias, " : "";
                    _code.Line($"_program._project{type}({Config(rows, $"{IlgpuDecoderPlan.RowThreads}")}, {Words("w.Output", type)}, _attended, {outputBias}"
                        + "Hidden, _projected.Cast<float>());");
                });
                _code.Line("AddNorm(w.FeedForwardNorm, 1);");
                _code.Line("FeedForward(layer, w, 0);");
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == 0)"))
            {
                _code.Line("LogitsOf(0);");
            }
        }
    }

    private static string Groups(string rows)
    {
        int perGroup = IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp;
        return $"({rows} + {perGroup - 1}) / {perGroup}";
    }

    private void EmitPrompt()
    {
        _code.Summary("A batch of prompt tokens: matrix products in tiles.");
        using (_code.Block("protected override void Prompt()"))
        {
            _code.Line("int start = Position;");
            _code.Line("int tokens = TokenCount;");
            _code.Line("Embed(tokens);");
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                EmitSplit("_normed", "HiddenQuads", "tokens");
                using (_code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    _code.Line("Product(heads, _normed, tokens, _products, QueryWidth + (2 * KeyValueWidth));");
                }

                _code.Line();
                int units = (_attention.Heads + (2 * _attention.KeyValueHeads)) * _plan.HeadPairs;
                int threads = FeedForwardIlgpuClass.BatchThreads;
                _code.Line($"_program._rotateBatch({Config($"{(units + threads - 1) / threads}", "tokens", "1", $"{threads}")}, _products, Views(layer), "
                    + "start, Halves);");
                _code.Line("Attend(layer, start, tokens);");
                EmitSplit("_attended", "QueryQuads", "tokens");
                _code.Line("Product(w.Output, _attended, tokens, _projected.Cast<float>(), 4 * HiddenQuads);");
                if (_attention.OutputBias)
                {
                    _code.Line($"_program._addBias({Config($"{(_plan.HiddenQuads + threads - 1) / threads}", "tokens", "1", $"{threads}")}, _projected, w.OutputBias.Cast<Float4>());");
                }

                _code.Line("AddNorm(w.FeedForwardNorm, tokens);");
                using (_code.Block("if (PromptIsDense)"))
                {
                    EmitDensePrompt();
                }

                using (_code.Block("else"))
                {
                    _code.Line("// Neurons differ from token to token: one at a time.");
                    using (_code.Block("for (int i = 0; i < tokens; i++)"))
                    {
                        _code.Line("FeedForward(layer, w, i);");
                    }
                }
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == tokens - 1)"))
            {
                _code.Line("LogitsOf(LogitsFrom);");
            }

            using (_code.Block("else if (LogitsFrom < tokens)"))
            {
                _code.Line("int count = tokens - LogitsFrom;");
                _code.Line("ArrayView<Float4> last = _normed.SubView(LogitsFrom * HiddenQuads, count * HiddenQuads);");
                EmitSplit("last", "HiddenQuads", "count");
                _code.Line("Product(_program._head, last, count, Logits, Vocabulary);");
                _code.Line($"_program._argMax({Config("1", $"{ArgMaxKernel.Threads}")}, Logits.SubView((long)(count - 1) * Vocabulary, Vocabulary), Vocabulary, Greedy);");
            }
        }
    }

    private void EmitDensePrompt()
    {
        string first = _feedForwards[0].Shape.First;
        const string Stride = "4 * IntermediateQuads";
        EmitSplit("_normed", "HiddenQuads", "tokens");
        _code.Line($"Product(w.{first}, _normed, tokens, _activated.Cast<float>(), {Stride});");
        if (_spec.FeedForward.Gated)
        {
            _code.Line($"Product(w.Up, _normed, tokens, _other.Cast<float>(), {Stride});");
        }

        string other = _spec.FeedForward.Gated ? "_other" : "_activated";
        int threads = FeedForwardIlgpuClass.BatchThreads;
        ForType("w.Down", type =>
        {
            IlgpuFeedForwardPlan plan = _feedForwards.First(candidate => candidate.Weights == type);
            string activate = Config($"{(_spec.FeedForward.Intermediate + threads - 1) / threads}", "tokens", "1", $"{threads}");
            _code.Line($"_program._feedForward{type}.ActivateBatch({activate}, w.{FeedForwardField(plan)}, _activated.Cast<float>(), {other}.Cast<float>());");
            if (type == WeightType.F16 && _plan.HasMatrixKernels)
            {
                using (_code.Block("if (UsesTensorCores)"))
                {
                    EmitSplit("_activated", "IntermediateQuads", "tokens");
                    MatrixTile matrix = _plan.MatrixTile;
                    string groups = $"{(_spec.Hidden + matrix.Rows - 1) / matrix.Rows}";
                    _code.Line($"_program._matrixDownF16!({Config(groups, MatrixTiles("tokens"), "1", $"{matrix.Threads}")}, w.Down.Words, _halves, _halfScales, "
                        + "tokens, _projected.Cast<float>());");
                    if (_spec.FeedForward.Biases)
                    {
                        string quads = $"{(_plan.HiddenQuads + threads - 1) / threads}";
                        _code.Line($"_program._addBias({Config(quads, "tokens", "1", $"{threads}")}, _projected, w.DownBias.Cast<Float4>());");
                    }
                }

                using (_code.Block("else"))
                {
                    EmitDown(type, plan);
                }

                return;
            }

            EmitDown(type, plan);
        });
        _code.Line("AddNorm(_program.NormAfter(layer), tokens);");

        void EmitDown(WeightType type, IlgpuFeedForwardPlan plan)
        {
            int tiles = (_spec.Hidden + _plan.ProductTile.Rows - 1) / _plan.ProductTile.Rows;
            string bias = _spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";
            string down = plan.Row.IsBlock ? "w.Down.Words, w.Down.Scales.Cast<Words4>()" : "w.Down.Words";
            _code.Line($"_program._productDown{type}({Config($"{tiles}", Tiles("tokens"), "1", $"{_plan.ProductTile.Threads}")}, {down}, "
                + $"_activated, tokens, {bias}_projected);");
        }
    }

    /// <summary>Writes the launch that splits the inputs of the products that follow, for a program that may have tensor cores.</summary>
    private void EmitSplit(string input, string quads, string tokens)
    {
        if (_plan.HasMatrixKernels)
        {
            _code.Line($"Split({input}, {quads} / 2, {tokens});");
        }
    }

    private string MatrixTiles(string tokens) => $"({tokens} + {_plan.MatrixTile.Tokens - 1}) / {_plan.MatrixTile.Tokens}";

    private string Tiles(string tokens) => $"({tokens} + {_plan.ProductTile.Tokens - 1}) / {_plan.ProductTile.Tokens}";

    private void EmitEmbed()
    {
        using (_code.Block("private void Embed(int tokens)"))
        {
            ForType("_program._embedding", type => _code.Line(
                $"_program._embed{type}({Config("tokens", "NormThreads")}, {Words("_program._embedding", type)}, Tokens, "
                + $"{NormArguments("_program._layers[0].AttentionNorm", null)});"));
        }
    }

    private void EmitAttend()
    {
        using (_code.Block("private void Attend(int layer, int start, int tokens)"))
        {
            _code.Line($"int splits = (start + tokens + {IlgpuDecoderPlan.SplitPositions - 1}) / {IlgpuDecoderPlan.SplitPositions};");
            string threads = $"{IlgpuDecoderPlan.AttentionThreads}";
            _code.Line($"var config = {Config("Heads", "splits", "tokens", threads)};");
            void EmitPart(WeightType type) =>
                _code.Line($"_program._attendPart{type}(config, _queries, _cache.View(layer), start, _parts.View, _most.View, _weight.View);");
            using (_code.Block($"if (_cache.Type == KeyValueType.{CachePlan.Types[0]})"))
            {
                EmitPart(CachePlan.Types[0]);
            }

            using (_code.Block("else"))
            {
                EmitPart(CachePlan.Types[1]);
            }

            _code.Line();
            _code.Line($"_program._attendJoin({Config("Heads", "tokens", "1", threads)}, _parts.View.Cast<float>(), _most.View, _weight.View, start, splits, "
                + "_attended.Cast<float>());");
        }
    }

    private void EmitAddNorm()
    {
        using (_code.Block("private void AddNorm(DeviceNorm norm, int tokens)"))
        {
            _code.Line($"_program._addNorm({Config("tokens", "NormThreads")}, _projected, {NormArguments("norm", null)});");
        }
    }

    private void EmitFeedForward()
    {
        _code.Summary("The feed-forward of one token of the batch: two launches.");
        using (_code.Block("private void FeedForward(int layer, Layer w, int row)"))
        {
            string signs = _packsSigns ? $", _signs.SubView(row * {_plan.SignWords}, {_plan.SignWords})" : "";
            _code.Line("ArrayView<Float4> input = _normed.SubView(row * HiddenQuads, HiddenQuads);");
            _code.Line("DeviceNorm norm = _program.NormAfter(layer);");
            ForType("w.Down", type =>
            {
                IlgpuFeedForwardPlan plan = _feedForwards.First(candidate => candidate.Weights == type);
                _code.Line($"Activate(layer, w.{FeedForwardField(plan)}, input{signs});");
                string bias = _spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";
                _code.Line($"_program._joinNorm{type}({Config("1", "NormThreads")}, _partial, {bias}{NormArguments("norm", "row")});");
            });
        }
    }

    private void EmitPolicies(IlgpuFeedForwardPlan plan)
    {
        _code.Summary("Predict, gate, up and down, as the mode and the layer's policy have it.");
        string signs = _packsSigns ? ", ArrayView<Words4> signs" : "";
        using (_code.Block($"private void Activate(int layer, {plan.ClassName}.Weights w, ArrayView<Float4> x{signs})"))
        {
            _code.Line($"var config = new KernelConfig({plan.ClassName}.Slices, {plan.ClassName}.Threads);");
            _code.Line($"{plan.ClassName}.Kernels kernels = _program._feedForward{plan.Weights};");
            PolicySwitch.Emit(_code, plan.Shape, _spec.Policies, policy => IlgpuCall.Of(plan, policy, "x", "signs", "_partial", "Counts(layer)", "layer, "));
        }
    }

    private void EmitLogits()
    {
        _code.Summary("Logits of one token of the batch, and the largest of them.");
        using (_code.Block("private void LogitsOf(int row)"))
        {
            string input = "_normed.SubView(row * HiddenQuads, HiddenQuads)";
            ForType("_program._head", type => _code.Line(
                $"_program._head{type}({Config(Groups("Vocabulary"), $"{IlgpuDecoderPlan.RowThreads}")}, {Words("_program._head", type)}, {input}, "
                + "Vocabulary, Logits);"));
            _code.Line($"_program._argMax({Config("1", $"{ArgMaxKernel.Threads}")}, Logits.SubView(0, Vocabulary), Vocabulary, Greedy);");
        }

    }

    private void EmitProduct()
    {
        using (_code.Block(
            "private void Product(DeviceMatrix w, ArrayView<Float4> x, int tokens, ArrayView<float> y, int stride)"))
        {
            _code.Line($"int tiles = (w.Rows + {_plan.ProductTile.Rows - 1}) / {_plan.ProductTile.Rows};");
            _code.Line($"var config = {Config("tiles", Tiles("tokens"), "1", $"{_plan.ProductTile.Threads}")};");
            int hidden = _plan.Shape.PaddedHidden;
            int query = _plan.Shape.PaddedQueryWidth;
            ForType("w", type =>
            {
                string Plain(int width) =>
                    $"_program._product{type}x{width}(config, {Words("w", type)}, x, tokens, w.Rows, w.FirstRow, y, stride);";
                if (type == WeightType.F16 && _plan.HasMatrixKernels)
                {
                    using (_code.Block("if (UsesTensorCores)"))
                    {
                        MatrixTile tile = _plan.MatrixTile;
                        string groups = $"(w.Rows + {tile.Rows - 1}) / {tile.Rows}";
                        _code.Line($"var matrix = {Config(groups, MatrixTiles("tokens"), "1", $"{tile.Threads}")};");
                        EmitWidths(width => $"_program._matrixF16x{width}!(matrix, w.Words, _halves, _halfScales, tokens, w.Rows, w.FirstRow, y, stride);");
                    }

                    using (_code.Block("else"))
                    {
                        EmitWidths(Plain);
                    }

                    return;
                }

                EmitWidths(Plain);
            });

            void EmitWidths(Func<int, string> call)
            {
                if (hidden == query)
                {
                    _code.Line(call(hidden));
                    return;
                }

                using (_code.Block("if (w.Columns == Hidden)"))
                {
                    _code.Line(call(hidden));
                }

                using (_code.Block("else"))
                {
                    _code.Line(call(query));
                }
            }
        }

        if (!_plan.HasMatrixKernels)
        {
            return;
        }

        _code.Line();
        _code.Line("private bool UsesTensorCores => _program._splitInputs is not null;");
        _code.Line();
        _code.Summary("Splits the inputs of the products that follow, where they run on tensor cores.");
        using (_code.Block("private void Split(ArrayView<Float4> x, int words, int tokens)"))
        {
            using (_code.Block("if (UsesTensorCores)"))
            {
                _code.Line($"_program._splitInputs!({Config("tokens", $"{MatrixKernels.SplitThreads}")}, x, words, _halves, _halfScales);");
            }
        }
    }
}
