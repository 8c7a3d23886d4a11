using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>One session's buffers, and the steps that decoding and prompt processing share.</summary>
internal sealed partial class DecoderClass
{
    private void EmitState(string program)
    {
        (string Name, string Count)[] buffers = [.. Buffers(), .. HeadBuffers(), .. PolicyBuffers(), .. MemoryBuffers(), .. WordBuffers()];
        _code.Summary(
            "One session: key-value cache, activations of up to <c>rows</c> tokens, and the steps. Or, without a cache, what several sessions are decoded "
            + "together with. Everything is allocated here, nothing while it runs.");
        using (_code.Block("private sealed class State : CpuDecoderState"))
        {
            _code.Line($"private readonly {program} _program;");
            _code.Line("private readonly CpuKeyValueCache _cache;");
            foreach (var (name, _) in buffers)
            {
                _code.Line($"private readonly NativeBuffer {name};");
            }

            EmitScratchFields();
            EmitChannelFields();
            EmitWordFields();
            _code.Line();
            using (_code.Block($"public State({program} program, int capacity, int rows, KeyValueType cacheType) : base(program, capacity, rows, InputWidth)"))
            {
                _code.Line("_program = program;");
                _code.Line("_cache = CpuKeyValueCache.Create(cacheType, LayerCount, KeyValueHeads, HeadDimension, capacity, Workers.Count);");
                foreach (var (name, count) in buffers)
                {
                    _code.Line($"{name} = Floats({count});");
                }

                EmitScratch(_feedForwards[0].ClassName);
                EmitChannelScratch();
                EmitWordScratch();
            }

            _code.Line();
            EmitDecode();
            _code.Line();
            EmitPrompt();
            _code.Line();
            EmitEmbed();
            _code.Line();
            EmitNormOutput();
            _code.Line();
            EmitLogits();
            EmitWords();
            EmitExperts();
            if (ChannelsOf(ChannelUse.FeedForward) is null)
            {
                _feedForwardCalls.EmitActivate(HasExperts ? "scratch" : "_scratch");
            }

            EmitPolicies();
            EmitMemory();
            EmitHeadChoices();
            EmitChannels();
            _code.Line();
            EmitAccessors();
            _calls.EmitHelpers(_code);
            _code.Line();
            using (_code.Block("protected override void DisposeBuffers()"))
            {
                foreach (string name in buffers.Select(buffer => buffer.Name).Prepend("_cache").Concat(Scratches).Concat(InputUses.Select(Scratch)))
                {
                    _code.Line($"{name}.Dispose();");
                }
            }
        }
    }

    /// <summary>A session's buffers, and how many floats each holds.</summary>
    private IEnumerable<(string Name, string Count)> Buffers()
    {
        string inputs = $"{1 + _calls.Inputs.Count()} * Workers.Count";
        yield return ("_residual", "(long)rows * PaddedHidden");
        yield return ("_normed", $"(long)Math.Max(rows, {inputs}) * InputWidth");
        yield return ("_queries", "(long)rows * PaddedQueryWidth");
        yield return ("_keys", $"(long)rows * {KeyValueStride}");
        yield return ("_values", $"(long)rows * {KeyValueStride}");
        yield return ("_attended", "(long)rows * PaddedQueryWidth");
        yield return ("_projected", "(long)rows * PaddedHidden");
        string ofNeurons = HasExperts ? "(long)rows * ActiveExperts" : "(long)rows";
        yield return ("_activated", $"{ofNeurons} * PaddedIntermediate");
        if (_spec.FeedForward.Gated)
        {
            yield return ("_other", $"{ofNeurons} * PaddedIntermediate");
        }

        if (_feedForwards[0].NeedsAllGates)
        {
            yield return ("_cuts", "(long)rows");
        }

        if (HasExperts)
        {
            yield return ("_grouped", $"{ofNeurons} * PaddedHidden");
            yield return ("_summed", "PaddedHidden");
        }
    }

    private void EmitEmbed()
    {
        _code.Summary("A token's embedding becomes row <c>i</c> of the residual stream.");
        using (_code.Block("private void Embed(int i)"))
        {
            _code.Line("ref float x = ref Residual(i);");
            _code.Line(_calls.Of(_program.Embed.Table).Widen(Field(_program.Embed.Table), "Token(i)", "x"));
            if (_program.Embed.Scale != 1f)
            {
                _code.Line($"Elementwise.Scale(ref x, {Literal.Of(_program.Embed.Scale)}, 0, PaddedHidden);");
            }

            foreach (Operation operation in _program.AfterEmbed)
            {
                _code.Line(operation is AddPosition { Offset: var offset } add
                    ? _calls.Of(add.Table).AddWidened(Field(add.Table), $"PositionOf(i){(offset > 0 ? " + PositionOffset" : "")}", "x")
                    : throw new NotSupportedException($"A CPU's program has no {operation.GetType().Name} after the embedding."));
            }
        }
    }

    private void EmitLogits()
    {
        _code.Summary("Output norm and head for tokens from <c>first</c> on. The residual stream is complete when this is called.");
        using (_code.Block("private void ComputeLogits(int worker, int first, int tokens)"))
        {
            EmitOutputNorm();
            _code.Line("(int from, int to) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);");
            _code.Line("Span<float> panel = Panel(worker);");
            string input = Input("Normed(first)", "InputWidth", "tokens - first");
            _code.Line(_calls.Of(_program.Head.Matrix).MultiplyBatch(Field(_program.Head.Matrix), "from", "to", "PaddedHidden", input, "ref Logits, Vocabulary"));
            if (_program.AfterHead.Count > 0)
            {
                _code.Line();
                using (_code.Block("for (int i = 0; i < tokens - first; i++)"))
                {
                    EmitAfterHead("Unsafe.Add(ref Logits, i * (nint)Vocabulary)", "from", "to");
                }
            }
        }
    }

    /// <summary>Writes the norm before the head of tokens from <c>first</c> on, and waits for it.</summary>
    private void EmitOutputNorm()
    {
        _code.Line("NormOutput(worker, first, tokens);");
        _code.Line("Workers.Barrier();");
    }

    private void EmitNormOutput()
    {
        _code.Summary("Output norm of tokens from <c>first</c> on: the worker's share of them.");
        using (_code.Block("private void NormOutput(int worker, int first, int tokens)"))
        {
            _code.Line("(int from, int to) = WorkerGroup.Slice(tokens - first, Workers.Count, worker, 1);");
            using (_code.Block("for (int i = first + from; i < first + to; i++)"))
            {
                _code.Line(Norm(_program.OutputNorm, "Residual(i)", "Normed(i)"));
            }
        }
    }

    private void EmitAccessors()
    {
        (string, string)[] ofExperts = HasExperts ? [("Grouped", "PaddedHidden"), ("Activated", "PaddedIntermediate")] : [];
        (string, string)[] other = HasExperts && _spec.FeedForward.Gated ? [("Other", "PaddedIntermediate")] : [];
        (string, string)[] rows =
        [
            ("Residual", "PaddedHidden"), ("Normed", "InputWidth"), ("Queries", "PaddedQueryWidth"), ("Keys", KeyValueStride),
            ("Values", KeyValueStride), ("Attended", "PaddedQueryWidth"), ("Projected", "PaddedHidden"), .. ofExperts, .. other, .. ExpertSlots,
        ];
        for (int i = 0; i < rows.Length; i++)
        {
            if (i > 0)
            {
                _code.Line();
            }

            var (name, width) = rows[i];
            string buffer = $"_{char.ToLowerInvariant(name[0])}{name.Substring(1)}";
            string access = name == "Normed" ? "protected override" : "private";
            _code.Line($"{access} ref float {name}(int row) => ref Unsafe.Add(ref {buffer}.Ref<float>(), row * (nint){width});");
        }

        foreach (KeepInput keep in KeptInputs)
        {
            _code.Line();
            _code.Summary($"What a layer kept of a token for the predictors of later layers: of the last {keep.Rows} layers.");
            _code.Line($"private ref float {keep.Writes.Name}(int layer, int token) =>\n    ref Unsafe.Add(ref _{keep.Writes.Variable}.Ref<float>(), ((token * {keep.Rows}) + (layer % {keep.Rows})) * (nint)PaddedHidden);");
        }

        _code.Line();
        _code.Summary("The session whose token is token i of the batch.");
        _code.Line("private State Sequence(int i) => (State)SequenceOf(i);");
    }

    /// <summary>Where a session finds a tensor.</summary>
    private static string Field(Tensor tensor) => tensor.IsOfLayer ? $"w.{tensor.Field}" : $"_program._{tensor.Variable}";

    /// <summary>The first element of a vector.</summary>
    private static string First(Tensor vector) => $"MemoryMarshal.GetArrayDataReference({Field(vector)})";

    /// <summary>Writes what is done with a token's logits.</summary>
    /// <param name="logits">Where the token's are.</param>
    /// <param name="from">The first word, as C#.</param>
    /// <param name="to">The end, as C#.</param>
    private void EmitAfterHead(string logits, string from, string to)
    {
        foreach (Operation operation in _program.AfterHead)
        {
            _code.Line(operation is ICpuOperation own and Operation { IsElementwise: true, Unit: WorkUnit.Word } && operation.Writes == Slot.Logits
                ? own.Statement(new(
                    slot => slot == Slot.Logits ? logits : throw new NotSupportedException($"{operation.GetType().Name} asks for {slot} after the head."),
                    First,
                    from,
                    to))
                : throw new NotSupportedException($"A CPU's program has no {operation.GetType().Name} after the head."));
        }
    }

    /// <summary>The norm of <paramref name="x"/> into <paramref name="y"/>.</summary>
    private static string Norm(Norm norm, string x, string y)
    {
        string bias = norm.Bias is { } tensor ? $"ref {First(tensor)}, " : "";
        return $"{norm.Spec.Kind}Norm.Apply(ref {x}, ref {First(norm.Weight)}, {bias}ref {y}, Hidden, PaddedHidden, NormEpsilon);";
    }

    /// <summary>The norm of attention's heads into <paramref name="y"/>.</summary>
    private static string Norm(NormAttended norm, string x, string y) =>
        $"RmsNorm.Apply(ref {x}, ref {First(norm.Weight)}, ref {y}, Heads * HeadDimension, PaddedQueryWidth, NormEpsilon);";

    private string Rope(string head, string position) =>
        $"Rope.Apply{_attention.RopePairing}("
        + $"ref {head}, in _program._rope.Cos({position}), in _program._rope.Sin({position}), RopeDimensions);";

    private static string Bias(string y, string bias, string from, string to) =>
        $"Elementwise.Add(ref {y}, ref MemoryMarshal.GetArrayDataReference({bias}), {from}, {to});";
}
