using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>One session: its buffers, and how they grow.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>A buffer of a session, or of a batch of them.</summary>
    /// <param name="Type">Of its elements.</param>
    /// <param name="Count">How many, as C#.</param>
    /// <param name="What">What errors call it.</param>
    private sealed record DeviceBuffer(string Type, string Name, string Count, string What);

    private void EmitState()
    {
        DeviceBuffer[] buffers = [.. Buffers()];
        DeviceBuffer[] growing =
        [
            .. Splits("Batch"),
            new("Float4", "_partial", $"{PartialQuads}", PartialSums),
            .. ChannelQuads == 0 ? Array.Empty<DeviceBuffer>() : [new("Float4", LaunchCode.ChannelSumsBuffer, $"{ChannelQuads}", SumsOfChannels)],
        ];
        _code.Summary("One session: key-value cache, activations, and the launches. What depends on its length grows with it, the rest is allocated here.");
        using (_code.Block("private sealed class State : IlgpuDecoderState"))
        {
            _code.Line($"private readonly {_name} _program;");
            foreach ((string type, string name, _, _) in buffers)
            {
                // What a session has chosen is read where several are decoded together.
                bool isRead = MemoryKernels.Chosen(_program).Any(kept => LaunchCode.Kept(kept.Slot) == name);
                _code.Line($"{(isRead ? "internal" : "private")} readonly ArrayView<{type}> {name};");
            }

            _code.Line("private readonly HeadViews[] _views = new HeadViews[LayerCount];");
            _code.Line("private readonly KeyValueCache _cache;");
            foreach ((string type, string name, _, _) in growing)
            {
                _code.Line($"private readonly GrowingBuffer<{type}> {name};");
            }

            _code.Line();
            _code.Line($"protected override ArrayView<float> Normed => {LaunchCode.RowOf(Slot.Normed).Buffer}.Cast<float>();");
            _code.Line();
            string counts = string.Join(", ", _feedForwards.Select(plan => $"{plan.ClassName}.Counts"));
            string most = _feedForwards.Length == 1 ? counts : _feedForwards.Select(plan => $"{plan.ClassName}.Counts").Aggregate((a, b) => $"Math.Max({a}, {b})");
            using (_code.Block($"public State({_name} program, int capacity, KeyValueType cacheType) : base(program, capacity, Batch, {most}{(_plan.HasExperts ? " * ActiveExperts" : "")}{(CountedInputs == 0 ? "" : $", inputs: {CountedInputs}")})"))
            {
                _code.Line("_program = program;");
                _code.Line($"_cache = Cache(cacheType, {_plan.CachedRow});");
                EmitBuffers(buffers, growing);
                if (_attention.IsRotated)
                {
                    _code.Line("(ArrayView<float> cos, ArrayView<float> sin) = RotaryTables(program._rope, RopePairs);");
                }

                using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
                {
                    string bias = _attention.QueryKeyValueBiases ? "\n    Bias = program._layers[layer].HeadBiases," : "";
                    string rotary = _attention.IsRotated ? "\n    Cos = cos,\n    Sin = sin," : "";
                    _code.Lines($$"""
                        _views[layer] = new HeadViews
                        {{{rotary}}{{bias}}
                            Queries = _queries.Cast<float>(),
                        };
                        """);
                }
            }

            _code.Line();
            EmitReserve();
            TokenPass token = _launches.Token;
            PromptPass prompt = _launches.Prompt;
            Action[] feedForward = InputChannels.AreOfNeurons(_spec) ? []
                : _plan.HasExperts ? [() => new ExpertLaunches(_code, _plan).Emit(meters: true)] : [token.EmitFeedForward];
            EmitMethods(
                [token.Emit, prompt.Emit, token.EmitEmbed, token.EmitAttend, () => token.EmitNorms(token.Launches.Concat(prompt.Launches)), .. feedForward, token.EmitLogits, prompt.EmitProducts]);
            if (_program.Words is { } words)
            {
                EmitMethods(() => token.EmitChosenLogits(words));
            }

            if (_program.Memories.Count > 0)
            {
                EmitMethods(EmitMemory);
            }

            if (Kept.Any())
            {
                EmitMethods(token.EmitKept);
            }
        }
    }

    private void EmitMethods(params Action[] methods)
    {
        foreach (Action method in methods)
        {
            _code.Line();
            method();
        }
    }

    /// <summary>What a session has for a batch of a prompt's tokens.</summary>
    private IEnumerable<DeviceBuffer> Buffers()
    {
        (string activated, string quads) = LaunchCode.RowOf(Slot.Activated);
        int words = (_plan.HasExperts ? _plan.ProductWidths : _plan.ProductWidths.Append(_feedForwards[0].Shape.PaddedIntermediate)).Max() / 8;
        return
        [
            .. Rows("Batch"),
            .. KeptOfSequence,
            .. ChosenOf("1"),
            .. _plan.HasMatrixKernels
                ? [new("Words4", "_halves", $"Batch * {2 * words}", "inputs in two halves"), new("float", "_halfScales", "Batch", "inputs in two halves")]
                : Array.Empty<DeviceBuffer>(),
            .. _plan.NormsNeurons ? [SquaresOf($"{(_plan.SkipsTogether || InputChannels.AreOfNeurons(_spec) ? TogetherTokens : 1)}")] : Array.Empty<DeviceBuffer>(),
            .. _plan.HasExperts ? ActivatedOfExperts($"{TogetherTokens}")
                : new[] { activated, "_other" }.Take(_feedForwards[0].Shape.InputMatrices).Select(name => new DeviceBuffer("Float4", name, $"Batch * {quads}", "activations")),
        ];
    }

    /// <summary>Tokens of a prompt whose experts, or neurons that are skipped, share launches.</summary>
    private int TogetherTokens => Math.Min(TogetherPlan.Tokens, _plan.Batch);

    /// <summary>What experts' neurons are, where down has another weight type and a launch of its own.</summary>
    private DeviceBuffer[] ActivatedOfExperts(string tokens) => !IlgpuDecoderPlan.MixesDown(_spec) ? []
        : [new("float", LaunchCode.RowOf(Slot.Activated).Buffer, $"{tokens} * ActiveExperts * 4 * {LaunchCode.RowOf(Slot.Activated).Quads}", "activations")];

    /// <summary>The router's logits, and what is chosen by them.</summary>
    private static DeviceBuffer[] Routed(string tokens) =>
    [
        new("float", ExpertKernels.LogitsBuffer, $"{tokens} * Experts", "the choice of experts"),
        new("int", ExpertKernels.ChosenBuffer, $"{tokens} * ActiveExperts", "the choice of experts"),
        new("float", ExpertKernels.SharesBuffer, $"{tokens} * ActiveExperts", "the choice of experts"),
    ];

    /// <summary>Cached, or a pass's own.</summary>
    private static readonly Slot[] Elsewhere = [Slot.Keys, Slot.Values, Slot.Gates, Slot.Activated, Slot.Squares, Slot.Sums];

    /// <summary>What any pass has for its tokens, up to the neurons: what operations write.</summary>
    private IEnumerable<DeviceBuffer> Rows(string tokens) => Written.Where(slot => slot.Width is null && !Kept.Any(keep => keep.Writes == slot)).SelectMany(slot =>
    {
        DeviceBuffer Row() => new("Float4", LaunchCode.RowOf(slot).Buffer, $"{tokens} * {LaunchCode.RowOf(slot).Quads}", "activations");
        return slot == Slot.Normed
            ? [Row(), .. PolicyData.OfTokens(_spec, _feedForwards[0]).Where(data => data.Contents is not null).Select(data =>
                new DeviceBuffer(data.Element, data.Buffer, $"{tokens} * {data.Length(_spec.Hidden)}", data.Contents!))]
            : slot == Slot.Routed ? Routed(tokens)
            : slot == Slot.Queries ? [new("float", "_products", $"{tokens} * ({LaunchCode.HeadsStride})", "activations"), Row()]
            : slot == Slot.Moments ? [new("float", SessionPass.CutsBuffer, tokens, "cuts of gates")]
            : Elsewhere.Contains(slot) ? Array.Empty<DeviceBuffer>()
            : [Row()];
    }).Concat(Written.Where(slot => slot.Width is not null).GroupBy(slot => slot.Name).Select(sizes =>
        new DeviceBuffer("float", $"_{sizes.First().Variable}", $"{tokens} * {(OfEachExpert.Contains(sizes.First()) ? "ActiveExperts * " : "")}{sizes.Max(LaunchCode.PolicyStride)}", "what policies compute")))
    .Concat(Kept.SelectMany(keep => Enumerable.Range(0, keep.Rows).Select(row =>
        new DeviceBuffer("Float4", LaunchPass.KeptRow(keep, row), $"{tokens} * HiddenQuads", "inputs of earlier layers"))));

    /// <summary>What policies compute of each of a token's experts.</summary>
    private IEnumerable<Slot> OfEachExpert => _program.Layer.Where(operation => operation.IsOfEachExpert).Select(operation => operation.Writes);

    private IEnumerable<KeepInput> Kept => _program.Layer.OfType<KeepInput>();

    private IEnumerable<Slot> Written => _program.Layer.Prepend(_program.Embed).Select(operation => operation.Writes)
        .Concat(_program.Words is { } words ? [words.First.To] : []).Distinct();

    /// <summary>What a session keeps of its prompts, and what it takes to count these.</summary>
    private IEnumerable<DeviceBuffer> KeptOfSequence => MemoryKernels.Kept(_program)
        .Select(kept => new DeviceBuffer(
            ElementOf(kept.Slot), LaunchCode.Kept(kept.Slot), $"{MemoryKernels.Span(kept.Layers)} * {MemoryKernels.Elements(kept.Slot)}", "what policies remember of prompts"))
        .Concat(_program.Memories.SelectMany(use => use.Memory.Counting).Select(operation => operation.Writes).Where(slot => slot.Element == SlotElement.OfToken)
            .Distinct().Select(slot => new DeviceBuffer("double", LaunchCode.Kept(slot), "Batch", "squares of neurons")));

    /// <summary>What several sequences have chosen.</summary>
    private IEnumerable<DeviceBuffer> ChosenOfSequences => MemoryKernels.Chosen(_program).Select(kept => new DeviceBuffer(
        ElementOf(kept.Slot), LaunchCode.Kept(kept.Slot), $"{MaxStates} * {MemoryKernels.Span(kept.Layers) * MemoryKernels.Elements(kept.Slot)}", "chosen neurons"));

    private static string ElementOf(Slot slot) => slot.Element == SlotElement.Bit ? "uint" : "double";

    /// <summary>Writes what a session does with what it keeps of prompts.</summary>
    private void EmitMemory()
    {
        using (_code.Block("protected override void ForgetPrompts()"))
        {
            foreach ((Slot slot, _) in MemoryKernels.Kept(_program))
            {
                _code.Line($"{(slot.Element == SlotElement.Bit ? "ChooseAll" : "ForgetSums")}({LaunchCode.Kept(slot)});");
            }
        }

        _code.Line();
        using (_code.Block("protected override void ChooseByPrompts()"))
        {
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                foreach (MemoryUse use in _program.Memories)
                {
                    using (use.Use.Layers.IsEveryLayer ? default(Text.CodeWriter.Scope?) : _code.Block($"if ({use.Use.Layers.Condition})"))
                    {
                        _code.Line($"int kept = {use.Use.Kept};");
                        foreach (Operation operation in use.Memory.Choosing)
                        {
                            _code.Line(operation is ChooseLargest choose
                                ? $"ChooseLargest({OfLayer(choose.From, use)}, {choose.From.Width!.Name}, kept, {OfLayer(choose.To, use)});"
                                : throw new NotSupportedException($"A GPU's program cannot choose by {operation.GetType().Name}."));
                        }
                    }
                }
            }
        }

        static string OfLayer(Slot slot, MemoryUse use) =>
            $"{LaunchCode.Kept(slot)}.SubView({LaunchCode.PlaceOf(use.Use.Layers, MemoryKernels.Elements(slot))}, {MemoryKernels.Elements(slot)})";
    }

    /// <summary>How many words score high enough, of each token whose words are chosen at a time.</summary>
    private DeviceBuffer[] ChosenOf(string tokens) => _program.Words is null ? [] : [new("int", LaunchPass.Chosen, tokens, "chosen words")];

    /// <summary>Four columns each of the partial sums of down that a token leaves.</summary>
    private int PartialQuads => _plan.ActiveExperts * _feedForwards.Max(plan => plan.Slices * plan.Row.Columns / 4);

    /// <summary>What groups leave of tokens' neurons for the norm before down.</summary>
    private DeviceBuffer SquaresOf(string tokens) => new("float", "_squares", $"{tokens} * {_feedForwards.Max(plan => plan.Slices)}", "sums of squares");

    private const string PartialSums = "partial sums of down";

    /// <summary>What attention leaves of a split, for the first of them: more take as much each.</summary>
    private static DeviceBuffer[] Splits(string tokens) =>
    [
        new("Float4", "_parts", $"(long){tokens} * Heads * HeadQuads", SplitsOfAttention),
        new("float", "_most", $"(long){tokens} * Heads", SplitsOfAttention),
        new("float", "_weight", $"(long){tokens} * Heads", SplitsOfAttention),
    ];

    private const string SplitsOfAttention = "splits of attention";

    /// <summary>Writes how what a constructor allocates is allocated.</summary>
    private void EmitBuffers(IEnumerable<DeviceBuffer> buffers, IEnumerable<DeviceBuffer> growing)
    {
        foreach ((string type, string name, string count, string what) in buffers)
        {
            _code.Line($"{name} = Buffer<{type}>({count}, \"{what}\").View;");
        }

        foreach ((string type, string name, string count, string what) in growing)
        {
            _code.Line($"{name} = Growing<{type}>({count}, \"{what}\");");
        }
    }

    /// <summary>Writes how what attention leaves of splits grows to hold those of <c>positions</c>.</summary>
    private void EmitGrow(IEnumerable<DeviceBuffer> splits)
    {
        _code.Line($"int splits = {LaunchCode.SplitsOf("positions")};");
        foreach ((_, string name, string count, string what) in splits)
        {
            _code.Line($"{name}.Grow({count} * splits, 0, \"{what}\");");
        }
    }

    private void EmitReserve()
    {
        _code.Summary("More positions: pages of the cache, what attention leaves of their splits, and partial sums of several tokens.");
        using (_code.Block("protected override void Reserve(int positions)"))
        {
            _code.Line("_cache.Reserve(positions, Position);");
            EmitGrow(Splits("Batch"));
            if (_plan.SkipsTogether || _plan.HasExperts || InputChannels.AreOfNeurons(_spec))
            {
                using (_code.Block(_plan.HasExperts ? "if (IsPrompt)" : InputChannels.AreOfNeurons(_spec) ? "if (IsPrompt && !PromptIsDense)" : "if (SkipsTogether)"))
                {
                    _code.Line($"_partial.Grow({PartialQuads}L * {TogetherTokens}, 0, \"{PartialSums}\");");
                }
            }

            if (ChannelQuads > 0)
            {
                using (_code.Block("if (IsPrompt && !PromptIsDense)"))
                {
                    _code.Line($"{LaunchCode.ChannelSumsBuffer}.Grow({ChannelQuads}L * {TogetherTokens}, 0, \"{SumsOfChannels}\");");
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
