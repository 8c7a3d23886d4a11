using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>One token: matrix-vector products, five barriers a layer.</summary>
internal sealed partial class DecoderClass
{
    private void EmitDecode()
    {
        _code.Summary("One token through all layers. Norms are computed by every worker for itself: that is cheaper than a barrier.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("protected override void Decode<TMeter>(int worker)"))
        {
            _code.Lines("""
                int position = Position;
                ref float x = ref Residual(0);
                ref float input = ref Normed(worker);
                """);
            foreach ((string input, int index) in _calls.Inputs.Select((input, index) => (input, index)))
            {
                string slot = index == 0 ? "Workers.Count" : $"({index + 1} * Workers.Count)";
                _code.Line($"ref float {input} = ref Normed({slot} + worker);");
            }

            _code.Lines("""
                ref float query = ref Queries(0);
                ref float attended = ref Attended(0);
                ref float projected = ref Projected(0);
                (int fromHead, int toHead) = WorkerGroup.Slice(Heads + (2 * KeyValueHeads), Workers.Count, worker, 1);
                (int fromQuery, int toQuery) = WorkerGroup.Slice(Heads, Workers.Count, worker, 1);
                (int fromColumn, int toColumn) = WorkerGroup.Slice(PaddedHidden, Workers.Count, worker, 128);

                if (worker == 0)
                {
                    Embed(0);
                }

                Workers.Barrier();
                """);
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                _code.Line();
                _code.Line("// Query, key and value, head by head: each is rotated and cached by the worker that computed it.");
                _code.Line(Norm("x", "w.AttentionNorm", "input"));
                _calls.EmitPrepare(_code, "float undo", "input", "PaddedHidden");
                using (_code.Block("for (int head = fromHead; head < toHead; head++)"))
                {
                    EmitHeads(batch: false);
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Attention over everything cached so far.");
                using (_code.Block("for (int head = fromQuery; head < toQuery; head++)"))
                {
                    _code.Lines("""
                        int row = head * HeadDimension;
                        int shared = head / (Heads / KeyValueHeads) * HeadDimension;
                        ref float keys = ref Unsafe.Add(ref Keys(layer, shared, 0), shared);
                        ref float values = ref Unsafe.Add(ref Values(layer, shared, 0), shared);
                        AttentionHead.Apply(
                            ref Unsafe.Add(ref query, row), ref keys, ref values, position + 1, HeadDimension, HeadDimension,
                            AttentionScale, Scores(worker, position + 1), ref Unsafe.Add(ref attended, row));
                        """);
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Output projection: this worker's columns of the residual stream.");
                _calls.EmitPrepare(_code, "undo", "attended", "PaddedQueryWidth");
                _code.Line(_calls.Multiply("w.Output", "fromColumn", "Math.Min(toColumn, Hidden)", "PaddedQueryWidth", "projected"));
                if (_attention.OutputBias)
                {
                    _code.Line(Bias("projected", "w.OutputBias", "fromColumn", "Math.Min(toColumn, Hidden)"));
                }

                _code.Line("Elementwise.Add(ref x, ref projected, fromColumn, toColumn);");
                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Feed-forward: this worker's neurons, gate to down, then its columns of the sum.");
                EmitStamp("-=");
                _code.Line(Norm("x", "w.FeedForwardNorm", "_scratch[worker].Input"));
                ForFeedForward((plan, weights) =>
                {
                    _code.Line($"Activate<TMeter>(worker, layer, {weights});");
                    _code.Line($"{plan.ClassName}.Down({weights}, _scratch, worker);");
                    _code.Line("Workers.Barrier();");
                    _code.Line($"{plan.ClassName}.Sum({weights}, _scratch, ref projected, fromColumn, toColumn);");
                });
                _code.Line("Elementwise.Add(ref x, ref projected, fromColumn, toColumn);");
                _code.Line();
                _code.Line("Workers.Barrier();");
                EmitStamp("+=", "Tally(worker, layer).Timed++;");
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == 0)"))
            {
                _code.Line(Norm("x", "_program._outputNorm", "input"));
                _calls.EmitPrepare(_code, "float undo", "input", "PaddedHidden");
                _code.Line("(int fromToken, int toToken) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);");
                _code.Line(_calls.Multiply("_program._head", "fromToken", "toToken", "PaddedHidden", "Logits"));
            }
        }
    }

    /// <summary>The time now, taken from the layer's ticks where the feed-forward begins and added where it ends.</summary>
    private void EmitStamp(string add, string? also = null)
    {
        using (_code.Block("if (TMeter.IsTimed)"))
        {
            _code.Line($"Tally(worker, layer).FeedForwardTicks {add} Stopwatch.GetTimestamp();");
            if (also is not null)
            {
                _code.Line(also);
            }
        }

        if (also is null)
        {
            _code.Line();
        }
    }

    /// <summary>
    /// One unit of work of the first phase: a query head, a key head or a value head; in a batch, for all its tokens.
    /// </summary>
    private void EmitHeads(bool batch)
    {
        _code.Line("int row = head * HeadDimension;");
        using (_code.Block("if (head < Heads)"))
        {
            EmitHead("Query", batch ? "Queries(0)" : "query", "PaddedQueryWidth", batch ? "Queries(i)" : "query", batch, rotate: true);
        }

        using (_code.Block("else if (head < Heads + KeyValueHeads)"))
        {
            _code.Line("row -= Heads * HeadDimension;");
            EmitCached("Key", "Keys", batch, rotate: true);
        }

        using (_code.Block("else"))
        {
            _code.Line("row -= (Heads + KeyValueHeads) * HeadDimension;");
            EmitCached("Value", "Values", batch, rotate: false);
        }
    }

    private void EmitCached(string matrix, string cache, bool batch, bool rotate)
    {
        string first = $"{cache}(layer, row, {(batch ? "start" : "position")})";
        EmitHead(matrix, first, "HeadDimension", batch ? $"{cache}(layer, row, start + i)" : first, batch, rotate);
    }

    private void EmitHead(string matrix, string y, string stride, string rowOfToken, bool batch, bool rotate)
    {
        string input = Input("Normed(0)", "InputWidth");
        _code.Line(batch
            ? _calls.MultiplyPacked($"w.{matrix}", "row", "row + HeadDimension", "PaddedHidden", input, $"ref {y}, {stride}")
            : _calls.Multiply($"w.{matrix}", "row", "row + HeadDimension", "PaddedHidden", y));
        bool biased = _attention.QueryKeyValueBiases;
        if (!biased && !rotate)
        {
            return;
        }

        using (batch ? _code.Block("for (int i = 0; i < tokens; i++)") : default(CodeWriter.Scope?))
        {
            if (biased)
            {
                _code.Line(Bias(rowOfToken, $"w.{matrix}Bias", "row", "row + HeadDimension"));
            }

            if (rotate)
            {
                _code.Line(Rope($"Unsafe.Add(ref {rowOfToken}, row)", batch ? "start + i" : "position"));
            }
        }
    }

    /// <summary>A batch's inputs as arguments: the first, the distance between them, how many.</summary>
    private static string Input(string first, string stride, string tokens = "tokens") => $"ref {first}, {stride}, {tokens}";
}
