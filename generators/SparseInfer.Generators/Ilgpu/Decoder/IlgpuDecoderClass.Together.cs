namespace SparseInfer.Generators.Ilgpu;

/// <summary>Several sequences decoded together, a token of each: their kernels, buffers and launches.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>What <c>DecoderBatch</c> calls the most of them.</summary>
    private const string MaxStates = "MaxStates";

    /// <summary>Kernels that are loaded with the first batch of sequences.</summary>
    private IEnumerable<DeviceKernel> KernelsTogether()
    {
        if (!_plan.DecodesTogether)
        {
            yield break;
        }

        foreach (WeightType type in _spec.Weights)
        {
            foreach (int width in _plan.ProductWidths)
            {
                yield return new RowsTogether(_code, RowPlan.Of(type, width)).Kernel();
            }
        }

        var attention = new AttentionKernels(_code, _plan);
        foreach (WeightType type in CachePlan.Types)
        {
            yield return attention.PartTogether(type);
        }

        yield return attention.JoinTogether();
        if (_plan.HeadsNormalise)
        {
            yield return new NormKernels(_code, _plan, _packsSigns).NormTogether();
        }

        yield return new RowKernels(_code, _plan).RotateTogether();
    }

    private void EmitTogether(IReadOnlyList<DeviceKernel> kernels)
    {
        _code.Summary("Kernels of sequences that are decoded together.");
        using (_code.Block("private sealed class TogetherKernels(IlgpuDevice device)"))
        {
            foreach (DeviceKernel kernel in kernels)
            {
                kernel.EmitField(_code, _name);
            }
        }

        _code.Line();
        (string Type, string Name, string Count, string What)[] buffers = [.. BuffersTogether()];
        _code.Summary("Sequences that are decoded together, a token of each: weights are read once for all of them, and each has the bits that it has alone.");
        using (_code.Block("private sealed class Together : IlgpuDecoderBatch"))
        {
            _code.Line($"private readonly {_name} _program;");
            _code.Line("private readonly TogetherKernels _kernels;");
            foreach (var (type, name, _, _) in buffers)
            {
                _code.Line($"private readonly ArrayView<{type}> {name};");
            }

            foreach (var (type, name, _, _) in Splits(MaxStates))
            {
                _code.Line($"private readonly GrowingBuffer<{type}> {name};");
            }

            _code.Line();
            using (_code.Block($"public Together({_name} program, TogetherKernels kernels) : base(program)"))
            {
                _code.Line("_program = program;");
                _code.Line("_kernels = kernels;");
                EmitBuffers(buffers, Splits(MaxStates));
            }

            _code.Line();
            _code.Summary("More positions: what attention leaves of their splits.");
            using (_code.Block("protected override void Reserve(int positions)"))
            {
                EmitGrow(Splits(MaxStates));
            }

            _code.Line();
            EmitDecodeTogether();
            _code.Line();
            EmitEmbed();
            _code.Line();
            EmitRowsTogether();
            _code.Line();
            EmitAttendTogether();
            _code.Line();
            EmitAddNorm();
            _code.Line();
            EmitCachesTogether();
        }
    }

    private IEnumerable<(string Type, string Name, string Count, string What)> BuffersTogether()
    {
        yield return ("Float4", "_x", $"{MaxStates} * HiddenQuads", "activations");
        yield return ("Float4", "_normed", $"{MaxStates} * HiddenQuads", "activations");
        if (_packsSigns)
        {
            yield return ("Words4", "_signs", $"{MaxStates} * {_plan.SignWords}", "packed signs");
        }

        yield return ("float", "_products", $"{MaxStates} * (QueryWidth + (2 * KeyValueWidth))", "activations");
        yield return ("Float4", "_queries", $"{MaxStates} * Heads * HeadQuads", "activations");
        yield return ("Float4", "_attended", $"{MaxStates} * QueryQuads", "activations");
        yield return ("Float4", "_projected", $"{MaxStates} * HiddenQuads", "activations");
        yield return ("float", "_activated", $"{MaxStates} * 4 * IntermediateQuads", "activations");
        yield return ("Float4", "_partial", $"{MaxStates} * {PartialQuads}L", PartialSums);
    }

    private void EmitDecodeTogether()
    {
        _code.Summary("A token of each sequence, in as many launches for one as for all.");
        using (_code.Block("protected override void Decode()"))
        {
            _code.Line("int halves = CacheOf(0).Type == KeyValueType.F16 ? 1 : 0;");
            _code.Line("int splits = MostSplits();");
            _code.Line("var views = new HeadViews { Cos = Rotary.Cos, Sin = Rotary.Sin, Queries = _queries.Cast<float>() };");
            _code.Line("Embed(Count);");
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                _code.Line(_plan.HeadsNormalise
                    ? $"_kernels.NormTogether({Config("Count", $"{IlgpuDecoderPlan.RowThreads}")}, _x, {NormOf("w.AttentionNorm")}, _normed);"
                    : "Norm(w.AttentionNorm, Count);");
                using (_code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    _code.Line("Rows(heads, _normed, _products, QueryWidth + (2 * KeyValueWidth));");
                }

                _code.Line();
                int units = (_attention.Heads + (2 * _attention.KeyValueHeads)) * _plan.HeadPairs;
                int threads = FeedForwardIlgpuClass.BatchThreads;
                _code.Line("CacheViews caches = Caches(layer);");
                if (_attention.QueryKeyValueBiases)
                {
                    _code.Line("views.Bias = w.HeadBiases;");
                }

                _code.Line($"_kernels.RotateTogether({Config($"{(units + threads - 1) / threads}", "Count", "1", $"{threads}")}, _products, views, caches, "
                    + "Positions, halves);");
                _code.Line("Attend(caches, splits);");
                _code.Line("Rows(w.Output, _attended, _projected.Cast<float>(), 4 * HiddenQuads);");
                if (_attention.OutputBias)
                {
                    EmitAddBias("Count", "w.OutputBias");
                }

                _code.Line("AddNorm(w.FeedForwardNorm, Count);");
                string signs = _packsSigns ? "_signs, " : "";
                _code.Line($"_program.FeedForwardTogether(Mode, layer, w, _normed, {signs}_x, Count, _activated, _partial);");
            }

            _code.Line();
            _code.Line("Norm(_program._outputNorm, Count);");
            _code.Line("Rows(_program._head, _normed, Logits, Vocabulary);");
            _code.Line($"_program._argMax({Config("Count", $"{ArgMaxKernel.Threads}")}, Logits, Vocabulary, Greedy);");
        }
    }

    private void EmitRowsTogether()
    {
        using (_code.Block("private void Rows(DeviceMatrix w, ArrayView<Float4> x, ArrayView<float> y, int stride)"))
        {
            _code.Line($"var config = {Config(Groups("w.Rows"), $"{IlgpuDecoderPlan.RowThreads}")};");
            ForType("w", type => ForWidth(width => _code.Line(
                $"_kernels.RowsTogether{type}x{width}(config, {Words("w", type)}, x, Count, w.Rows, w.FirstRow, y, stride);")));
        }
    }

    private void EmitAttendTogether()
    {
        _code.Summary("Splits of the longest sequence.");
        using (_code.Block("private int MostSplits()"))
        {
            _code.Line("int positions = 0;");
            using (_code.Block("for (int i = 0; i < Count; i++)"))
            {
                _code.Line("positions = Math.Max(positions, State(i).Position + 1);");
            }

            _code.Line();
            _code.Line($"return {SplitsOf("positions")};");
        }

        _code.Line();
        using (_code.Block("private void Attend(CacheViews caches, int splits)"))
        {
            string threads = $"{IlgpuDecoderPlan.AttentionThreads}";
            _code.Line($"var config = {Config("Heads", "splits", "Count", threads)};");
            EmitForCache("CacheOf(0)", type => _code.Line(
                $"_kernels.AttendPartTogether{type}(config, _queries, caches, Positions, _parts.View, _most.View, _weight.View);"));
            _code.Line($"_kernels.AttendJoinTogether({Config("Heads", "Count", "1", threads)}, _parts.View.Cast<float>(), _most.View, _weight.View, Positions, splits, "
                + "_attended.Cast<float>());");
        }
    }

    private void EmitCachesTogether()
    {
        _code.Summary("The sequences' keys and values of a layer. A cache is elsewhere once it has grown.");
        using (_code.Block("private CacheViews Caches(int layer)"))
        {
            _code.Line("CacheViews caches = default;");
            using (_code.Block("for (int i = 0; i < Count; i++)"))
            {
                _code.Line("caches[i] = CacheOf(i).View(layer);");
            }

            _code.Line();
            _code.Line("return caches;");
        }
    }
}
