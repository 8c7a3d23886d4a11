using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>One session's buffers, and the steps that decoding and prompt processing share.</summary>
internal sealed partial class DecoderClass
{
    private void EmitState()
    {
        _code.Line("/// <summary>One session: key-value cache, activations, and the steps. Everything is allocated here, nothing while it runs.</summary>");
        using (_code.Block("private sealed class State : CpuDecoderState"))
        {
            _code.Line("private readonly CpuProgram _program;");
            foreach (string buffer in new[] { "Keys", "Values", "Residual", "Normed", "Queries", "Attended", "Projected", "Activated", "Other", "Scores" })
            {
                _code.Line($"private readonly NativeBuffer _{char.ToLowerInvariant(buffer[0])}{buffer.Substring(1)};");
            }

            _code.Line("private readonly FeedForwardScratch _scratch;");
            _code.Line();
            using (_code.Block("public State(CpuProgram program, int capacity) : base(program, capacity, Batch)"))
            {
                _code.Lines($$"""
                    _program = program;
                    _keys = Floats((long)LayerCount * capacity * KeyValueWidth);
                    _values = Floats((long)LayerCount * capacity * KeyValueWidth);
                    _residual = Floats((long)Batch * PaddedHidden);
                    _normed = Floats((long)Math.Max(Batch, {{(_calls.NeedsFolded ? "2 * " : "")}}Workers.Count) * InputWidth);
                    _queries = Floats((long)Batch * PaddedQueryWidth);
                    _attended = Floats((long)Batch * PaddedQueryWidth);
                    _projected = Floats((long)Batch * PaddedHidden);
                    _activated = Floats((long)Batch * PaddedIntermediate);
                    _other = Floats({{(_spec.FeedForward.Gated ? "(long)Batch * PaddedIntermediate" : "0")}});
                    _scores = Floats((long)Workers.Count * capacity);
                    _scratch = new FeedForwardScratch(Workers.Count, PaddedHidden, Intermediate, {{_feedForwards[0].ClassName}}.SideWords);
                    """);
            }

            _code.Line();
            EmitDecode();
            _code.Line();
            EmitPrompt();
            _code.Line();
            EmitEmbed();
            _code.Line();
            EmitLogits();
            foreach (FeedForwardPlan plan in _feedForwards)
            {
                _code.Line();
                EmitActivate(plan);
            }

            _code.Line();
            EmitAccessors();
            _calls.EmitHelpers(_code);
            _code.Line();
            using (_code.Block("protected override void DisposeBuffers()"))
            {
                foreach (string buffer in new[] { "_keys", "_values", "_residual", "_normed", "_queries", "_attended", "_projected", "_activated", "_other", "_scores", "_scratch" })
                {
                    _code.Line($"{buffer}.Dispose();");
                }
            }
        }
    }

    private void EmitEmbed()
    {
        _code.Line("/// <summary>A token's embedding becomes row <c>i</c> of the residual stream.</summary>");
        using (_code.Block("private void Embed(int i)"))
        {
            _code.Line("ref float x = ref Residual(i);");
            _code.Line(_calls.Widen("_program._embedding", "Token(i)", "x"));
            if (_spec.Embedding.Scale != 1f)
            {
                _code.Line($"Elementwise.Scale(ref x, {Literal.Of(_spec.Embedding.Scale)}, 0, PaddedHidden);");
            }
        }
    }

    private void EmitLogits()
    {
        _code.Line("/// <summary>Output norm and head for tokens from <c>first</c> on. The residual stream is complete when this is called.</summary>");
        using (_code.Block("private void ComputeLogits(int worker, int first, int tokens)"))
        {
            _code.Line("(int from, int to) = WorkerGroup.Slice(tokens - first, Workers.Count, worker, 1);");
            using (_code.Block("for (int i = first + from; i < first + to; i++)"))
            {
                _code.Line(Norm("Residual(i)", "_program._outputNorm", "Normed(i)"));
            }

            _code.Line();
            _code.Line("Workers.Barrier();");
            _code.Line("(from, to) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);");
            _code.Line("Span<float> panel = Panel(worker);");
            _code.Line(_calls.MultiplyBatch("_program._head", "from", "to", "PaddedHidden", "Normed(first)", "InputWidth", "tokens - first", "Logits", "Vocabulary"));
        }
    }

    private void EmitActivate(FeedForwardPlan plan)
    {
        _code.Line("/// <summary>This worker's neurons for the input in its slot, as the mode and the layer's policy have it.</summary>");
        using (_code.Block($"private void Activate<TMeter>(int worker, int layer, {plan.ClassName}.Weights w)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("FeedForwardSlot slot = _scratch[worker];");
            _code.Line("(int from, int to) = WorkerGroup.Slice(Intermediate, Workers.Count, worker, 4);");
            _code.Line("ref LayerTally tally = ref Tally(worker, layer);");
            PolicySwitch.Emit(_code, plan, _spec.Policies);
        }
    }

    private void EmitAccessors() => _code.Lines("""
        private ref float Residual(int token) => ref Unsafe.Add(ref _residual.Ref<float>(), token * (nint)PaddedHidden);

        private ref float Normed(int row) => ref Unsafe.Add(ref _normed.Ref<float>(), row * (nint)InputWidth);

        private ref float Queries(int token) => ref Unsafe.Add(ref _queries.Ref<float>(), token * (nint)PaddedQueryWidth);

        private ref float Attended(int token) => ref Unsafe.Add(ref _attended.Ref<float>(), token * (nint)PaddedQueryWidth);

        private ref float Projected(int token) => ref Unsafe.Add(ref _projected.Ref<float>(), token * (nint)PaddedHidden);

        private ref float Keys(int layer, int position) => ref Unsafe.Add(ref _keys.Ref<float>(), (((nint)layer * Capacity) + position) * KeyValueWidth);

        private ref float Values(int layer, int position) => ref Unsafe.Add(ref _values.Ref<float>(), (((nint)layer * Capacity) + position) * KeyValueWidth);

        private Span<float> Scores(int worker, int positions) => _scores.AsSpan<float>().Slice(worker * Capacity, positions);
        """);

    /// <summary>The declared norm of <paramref name="x"/> into <paramref name="y"/>.</summary>
    private string Norm(string x, string weight, string y)
    {
        string bias = LayerNorm ? $"ref MemoryMarshal.GetArrayDataReference({weight}Bias), " : "";
        string kind = LayerNorm ? "LayerNorm" : "RmsNorm";
        return $"{kind}.Apply(ref {x}, ref MemoryMarshal.GetArrayDataReference({weight}), {bias}ref {y}, Hidden, PaddedHidden, NormEpsilon);";
    }

    private string Rope(string head, string position) =>
        $"Rope.Apply{_attention.RopePairing}(ref {head}, in _program._rope.Cos({position}), in _program._rope.Sin({position}), RopeDimensions);";

    private static string Bias(string y, string bias, string from, string to) =>
        $"Elementwise.Add(ref {y}, ref MemoryMarshal.GetArrayDataReference({bias}), {from}, {to});";

    /// <summary>Writes a call on the layer's feed-forward, for whichever weight type it has.</summary>
    private void ForFeedForward(System.Action<FeedForwardPlan, string> emit)
    {
        if (_calls.Single)
        {
            emit(_feedForwards[0], "w.FeedForward");
            return;
        }

        foreach (FeedForwardPlan plan in _feedForwards)
        {
            string variable = plan.Weights.ToString().ToLowerInvariant();
            bool last = ReferenceEquals(plan, _feedForwards.Last());
            string otherwise = ReferenceEquals(plan, _feedForwards[0]) ? "" : "else ";
            using (_code.Block($"{otherwise}if (w.{FeedForwardField(plan)} is {{ }} {variable})"))
            {
                emit(plan, variable);
            }
        }
    }
}
