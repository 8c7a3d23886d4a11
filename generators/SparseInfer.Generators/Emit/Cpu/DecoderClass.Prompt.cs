namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>A batch of prompt tokens: matrix-matrix products, the same sums as token by token.</summary>
internal sealed partial class DecoderClass
{
    private void EmitPrompt()
    {
        _code.Summary("A batch of prompt tokens through all layers: the same sums as Decode, so the same bits.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("protected override void Prompt<TMeter>(int worker)"))
        {
            _code.Lines("""
                int start = Position;
                int tokens = TokenCount;
                Span<float> panel = Panel(worker);
                (int fromToken, int toToken) = WorkerGroup.Slice(tokens, Workers.Count, worker, 1);
                (int fromHead, int toHead) = WorkerGroup.Slice(Heads + (2 * KeyValueHeads), Workers.Count, worker, 1);
                (int fromColumn, int toColumn) = WorkerGroup.Slice(PaddedHidden, Workers.Count, worker, 128);
                (int fromNeuron, int toNeuron) = WorkerGroup.Slice(Intermediate, Workers.Count, worker, DownMatrix.BlockNeurons);

                for (int i = fromToken; i < toToken; i++)
                {
                    Embed(i);
                }

                """);
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                _code.Line();
                _code.Line("// Query, key and value, head by head.");
                using (_code.Block("for (int i = fromToken; i < toToken; i++)"))
                {
                    _code.Line(Norm("Residual(i)", "w.AttentionNorm", "Normed(i)"));
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _calls.EmitPack(_code, "PaddedHidden", Input("Normed(0)", "InputWidth"));
                using (_code.Block("for (int head = fromHead; head < toHead; head++)"))
                {
                    EmitHeads(batch: true);
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Attention, head by head, so that its keys stay in a cache; tokens in turn, since later ones look back further.");
                using (_code.Block("for (int unit = worker; unit < tokens * Heads; unit += Workers.Count)"))
                {
                    _code.Lines("""
                        int head = unit / tokens;
                        int i = unit % tokens;
                        int row = head * HeadDimension;
                        int shared = head / (Heads / KeyValueHeads) * HeadDimension;
                        int positions = start + i + 1;
                        ref float keys = ref Unsafe.Add(ref Keys(layer, shared, 0), shared);
                        ref float values = ref Unsafe.Add(ref Values(layer, shared, 0), shared);
                        AttentionHead.Apply(
                            ref Unsafe.Add(ref Queries(i), row), ref keys, ref values, positions, HeadDimension, HeadDimension,
                            AttentionScale, Scores(worker, positions), ref Unsafe.Add(ref Attended(i), row));
                        """);
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Output projection: this worker's columns of the residual stream.");
                _code.Line(_calls.MultiplyBatch(
                    "w.Output",
                    "fromColumn",
                    "Math.Min(toColumn, Hidden)",
                    "PaddedQueryWidth",
                    Input("Attended(0)", "PaddedQueryWidth"),
                    "ref Projected(0), PaddedHidden"));
                using (_code.Block("for (int i = 0; i < tokens; i++)"))
                {
                    if (_attention.OutputBias)
                    {
                        _code.Line(Bias("Projected(i)", "w.OutputBias", "fromColumn", "Math.Min(toColumn, Hidden)"));
                    }

                    _code.Line("Elementwise.Add(ref Residual(i), ref Projected(i), fromColumn, toColumn);");
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                _code.Line();
                _code.Line("// Feed-forward: this worker's neurons, then its columns of down.");
                using (_code.Block("for (int i = fromToken; i < toToken; i++)"))
                {
                    _code.Line(Norm("Residual(i)", "w.FeedForwardNorm", "Normed(i)"));
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
                using (_code.Block("if (PromptIsDense)"))
                {
                    const string H = "ref _activated.Ref<float>()";
                    string other = _spec.FeedForward.Gated ? ", ref _other.Ref<float>()" : "";
                    ForFeedForward((plan, w) => _code.Lines($$"""
                        {{plan.ClassName}}.Batch({{w}}, ref Normed(0), InputWidth, tokens, {{H}}{{other}}, fromNeuron, toNeuron, panel);
                        Workers.Barrier();
                        {{plan.ClassName}}.DownBatch({{w}}, {{H}}, tokens, ref Projected(0), fromColumn, toColumn, panel);
                        """));
                }

                using (_code.Block("else"))
                {
                    _code.Line("// Neurons differ from token to token: one at a time.");
                    using (_code.Block("for (int i = 0; i < tokens; i++)"))
                    {
                        _code.Line("Span<float> input = MemoryMarshal.CreateSpan(ref _scratch[worker].Input, PaddedHidden);");
                        _code.Line("MemoryMarshal.CreateSpan(ref Normed(i), PaddedHidden).CopyTo(input);");
                        ForFeedForward((plan, weights) => _code.Lines($$"""
                            Activate<TMeter>(worker, layer, {{weights}});
                            {{plan.ClassName}}.Down({{weights}}, _scratch, worker);
                            Workers.Barrier();
                            {{plan.ClassName}}.Sum({{weights}}, _scratch, ref Projected(i), fromColumn, toColumn);
                            """));
                        _code.Line("Workers.Barrier();");
                    }
                }

                _code.Line();
                using (_code.Block("for (int i = 0; i < tokens; i++)"))
                {
                    _code.Line("Elementwise.Add(ref Residual(i), ref Projected(i), fromColumn, toColumn);");
                }

                _code.Line();
                _code.Line("Workers.Barrier();");
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom < tokens)"))
            {
                _code.Line("ComputeLogits(worker, LogitsFrom, tokens);");
            }
        }
    }
}
