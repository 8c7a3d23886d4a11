namespace SparseInfer.Generators.Ilgpu;

/// <summary>One session: its buffers, and how they grow.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private void EmitState()
    {
        (string Type, string Name, string Count, string What)[] buffers = [.. Buffers()];
        (string Type, string Name, string Count, string What)[] growing = [.. Splits("Batch"), ("Float4", "_partial", $"{PartialQuads}", PartialSums)];
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
            foreach (var (type, name, _, _) in growing)
            {
                _code.Line($"private readonly GrowingBuffer<{type}> {name};");
            }

            _code.Line();
            string counts = string.Join(", ", _feedForwards.Select(plan => $"{plan.ClassName}.Counts"));
            string most = _feedForwards.Length == 1 ? counts : _feedForwards.Select(plan => $"{plan.ClassName}.Counts").Aggregate((a, b) => $"Math.Max({a}, {b})");
            using (_code.Block($"public State({_name} program, int capacity, KeyValueType cacheType) : base(program, capacity, Batch, {most})"))
            {
                _code.Line("_program = program;");
                _code.Line($"_cache = Cache(cacheType, {_plan.CachedRow});");
                EmitBuffers(buffers, growing);
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

    private const string PartialSums = "partial sums of down";

    /// <summary>What attention leaves of a split, for the first of them: more take as much each.</summary>
    private static (string Type, string Name, string Count, string What)[] Splits(string tokens) =>
    [
        ("Float4", "_parts", $"(long){tokens} * Heads * HeadQuads", SplitsOfAttention),
        ("float", "_most", $"(long){tokens} * Heads", SplitsOfAttention),
        ("float", "_weight", $"(long){tokens} * Heads", SplitsOfAttention),
    ];

    private const string SplitsOfAttention = "splits of attention";

    /// <summary>Writes how what a constructor allocates is allocated.</summary>
    private void EmitBuffers(
        IEnumerable<(string Type, string Name, string Count, string What)> buffers,
        IEnumerable<(string Type, string Name, string Count, string What)> growing)
    {
        foreach (var (type, name, count, what) in buffers)
        {
            _code.Line($"{name} = Buffer<{type}>({count}, \"{what}\").View;");
        }

        foreach (var (type, name, count, what) in growing)
        {
            _code.Line($"{name} = Growing<{type}>({count}, \"{what}\");");
        }
    }

    /// <summary>Writes how what attention leaves of splits grows to hold those of <c>positions</c>.</summary>
    private void EmitGrow(IEnumerable<(string Type, string Name, string Count, string What)> splits)
    {
        _code.Line($"int splits = {SplitsOf("positions")};");
        foreach (var (_, name, count, what) in splits)
        {
            _code.Line($"{name}.Grow({count} * splits, 0, \"{what}\");");
        }
    }

    private static string SplitsOf(string positions) =>
        $"({positions} + {IlgpuDecoderPlan.SplitPositions - 1}) / {IlgpuDecoderPlan.SplitPositions}";

    private void EmitReserve()
    {
        _code.Summary("More positions: pages of the cache, what attention leaves of their splits, and partial sums of several tokens.");
        using (_code.Block("protected override void Reserve(int positions)"))
        {
            _code.Line("_cache.Reserve(positions, Position);");
            EmitGrow(Splits("Batch"));
            if (_plan.SkipsTogether)
            {
                using (_code.Block("if (SkipsTogether)"))
                {
                    _code.Line($"_partial.Grow({PartialQuads}L * {Math.Min(TogetherPlan.Tokens, _plan.Batch)}, 0, \"{PartialSums}\");");
                }
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
}
