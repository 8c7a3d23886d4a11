using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>A batch of tokens, a prompt's or one of each of several sequences: matrix-matrix products, the same sums as token by token.</summary>
internal sealed partial class DecoderClass
{
    private void EmitPrompt()
    {
        _code.Summary("A batch of tokens through all layers, a prompt's or one of each of several sequences: the same sums as Decode, so the same bits.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("protected override void Prompt<TMeter>(int worker)"))
        {
            _code.Lines("""
                int tokens = TokenCount;
                Span<float> panel = Panel(worker);
                (int fromToken, int toToken) = WorkerGroup.Slice(tokens, Workers.Count, worker, 1);
                (int fromHead, int toHead) = WorkerGroup.Slice(Heads + (2 * KeyValueHeads), Workers.Count, worker, 1);
                (int fromColumn, int toColumn) = WorkerGroup.Slice(PaddedHidden, Workers.Count, worker, 128);
                """);
            _code.Lines($"""
                (int fromNeuron, int toNeuron) = WorkerGroup.Slice({(ChannelsOf(ChannelUse.FeedForward) is null ? "Intermediate" : "PaddedIntermediate")}, Workers.Count, worker, DownMatrix.BlockNeurons);

                """);
            _code.Lines("""
                for (int i = fromToken; i < toToken; i++)
                {
                    Embed(i);
                }

                """);
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                _prompt.EmitLayer();
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom < tokens)"))
            {
                using (EmitChosenLogits("!IsDenseBatch && Mode == SparsityMode.Predicted", "LogitsFrom", "tokens"))
                {
                    _code.Line("ComputeLogits(worker, LogitsFrom, tokens);");
                }
            }

            using (_code.Block("else if (WantsHidden)"))
            {
                _code.Line("NormOutput(worker, 0, tokens);");
            }
        }
    }

    /// <summary>A batch's inputs as arguments: the first, the distance between them, how many.</summary>
    private static string Input(string first, string stride, string tokens = "tokens") => $"ref {first}, {stride}, {tokens}";

    /// <summary>Whether a layer computes every neuron of a batch, as C#; not where it is metered, which is done neuron by neuron.</summary>
    private string DenseBatch
    {
        get
        {
            bool hasZeros = _feedForwards[0].HasZeros;
            LayerSet dense = new(_spec, policy => CpuKernelEmitter.Set.Of(policy) == CpuKernelEmitter.Set.Dense);
            if (!hasZeros && dense.IsEveryLayer)
            {
                return "IsDenseBatch || !TMeter.IsOn";
            }

            string[] modes =
            [
                .. hasZeros ? Array.Empty<string>() : ["Mode == SparsityMode.Exact"],
                .. dense.IsEmpty ? Array.Empty<string>()
                    : dense.IsEveryLayer ? ["Mode == SparsityMode.Predicted"]
                    : [$"Mode == SparsityMode.Predicted && {dense.Condition}"],
            ];
            return modes.Length switch
            {
                0 => "IsDenseBatch",
                1 => $"IsDenseBatch || (!TMeter.IsOn && {modes[0]})",
                _ => $"IsDenseBatch || (!TMeter.IsOn && ({modes[0]} || ({modes[1]})))",
            };
        }
    }

    private sealed partial class PromptPass(DecoderClass decoder) : Pass(decoder)
    {
        private IReadOnlyList<Operation>? _operations;

        // Down as a product adds the slices on its way, as a norm does with squares; and where every neuron is computed, nobody chooses.
        protected override IReadOnlyList<Operation> Operations => _operations ??=
        [
            .. Sliced(base.Operations, channels => channels.Use == ChannelUse.Heads).SelectMany(WithKept)
                .Where(operation => operation is not (SumSlices or SumSquares or Observe) && !operation.IsOfPhase)
                .SelectMany(operation => Decoder.HasExperts ? OfGroups(operation) : [operation])
                .SelectMany(operation => Decoder.HasMemory && operation is Neurons ? (Operation[])[operation, new CountTokens()] : [operation]),
        ];

        protected override Split SplitOf(Operation operation) => new(operation switch
        {
            Down => WorkUnit.Column,
            KeepInput => WorkUnit.Token,
            MeasureGates or NormNeurons => WorkUnit.Token,
            _ => operation.Unit,
        });

        protected override string Position => "PositionOf(i)";

        protected override string IsPredicted => "!IsDenseBatch && ";

        protected override string Cache => "Sequence(i)._cache";

        protected override string Comment(Stage stage) => stage switch
        {
            Stage.Heads => "Query, key and value, head by head.",
            Stage.Attention => "Attention, head by head, so that its keys stay in a cache; tokens in turn, since some look back further than others.",
            Stage.Output => "Output projection: this worker's columns of the residual stream.",
            Stage.Routing => "The router, token by token.",
            _ when Decoder.HasExperts => "Feed-forward: this worker's neurons of every expert that a token has, then its columns of down.",
            _ => "Feed-forward: this worker's neurons, then its columns of down.",
        };

        protected override string Row(Slot slot) => $"{slot}(i)";

        protected override void ForTokens(Action emit)
        {
            using (Code.Block("for (int i = 0; i < tokens; i++)"))
            {
                emit();
            }
        }

        // A router reads every channel, whatever heads read after it.
        protected override void EmitNorm(Norm norm) => EmitNorm(
            DecoderClass.Norm(norm, "Residual(i)", "Normed(i)"),
            norm.Stage != Stage.Heads ? ChannelUse.FeedForward : Decoder.RoutesHeads ? null : ChannelUse.Heads,
            "Hidden");

        protected override void EmitNorm(NormAttended norm) =>
            EmitNorm(DecoderClass.Norm(norm, "Attended(i)", "Normed(i)"), ChannelUse.Output, "Heads * HeadDimension");

        private void EmitNorm(string ofToken, ChannelUse? use, string channels)
        {
            using (Code.Block("for (int i = fromToken; i < toToken; i++)"))
            {
                Code.Line(ofToken);
                EmitSkip(use, "Normed(i)", channels);
            }

            Code.Line();
        }

        protected override void EmitKeep(KeepInput keep)
        {
            using (Kept(keep, "!IsDenseBatch && Mode == SparsityMode.Predicted"))
            using (Code.Block("for (int i = fromToken; i < toToken; i++)"))
            {
                Code.Line($"Elementwise.Copy(ref {Row(keep.From)}, ref {keep.Writes.Name}(layer, i), 0, PaddedHidden);");
            }

            Code.Line();
        }

        protected override void EmitRoute(Route route)
        {
            using (Code.Block("for (int i = fromToken; i < toToken; i++)"))
            {
                Code.Line(Decoder.RouteCall(route, $"{route.From}(i)", "i"));
            }

            if (route.Stage == Stage.FeedForward)
            {
                Code.Line();
            }
        }

        protected override void EmitHeadInput(Tensor matrix) => Calls(matrix).EmitPack(Code, "PaddedHidden", Input("Normed(0)", "InputWidth"));

        protected override void EmitHeadRows(Project project, string stride)
        {
            if (project.Channels is not null)
            {
                return; // all heads are there
            }

            Code.Line(Calls(project.Matrix).MultiplyPacked(
                Field(project.Matrix),
                "row",
                "row + HeadDimension",
                "PaddedHidden",
                Input("Normed(0)", "InputWidth"),
                $"ref {project.To}(0), {stride}"));
        }

        protected override void EmitAttend(Attend attend)
        {
            using (Code.Block("for (int unit = worker; unit < tokens * Heads; unit += Workers.Count)"))
            {
                Code.Lines("""
                    int head = unit / tokens;
                    int i = (unit + head) % tokens; // a worker has another one of each head
                    int row = head * HeadDimension;
                    int shared = head / (Heads / KeyValueHeads);
                    """);
                if (attend.Windows.Count > 0)
                {
                    EmitWindow(attend, "PositionOf(i) + 1");
                }
                else
                {
                    Code.Line("int positions = PositionOf(i) + 1;");
                }

                using (IfKept(attend))
                {
                    EmitAttendHead(attend, "positions");
                }

                if (!Operations.OfType<NormAttended>().Any())
                {
                    if (attend.IsChosen)
                    {
                        Code.Line();
                    }

                    EmitSkip(ChannelUse.Output, "Unsafe.Add(ref Attended(i), row)", "HeadDimension");
                }
            }
        }

        protected override void EmitProject(Project project)
        {
            string input = project.From == Slot.Normed ? Input("Normed(0)", "InputWidth") : Input("Attended(0)", "PaddedQueryWidth");
            const string Output = "ref Projected(0), PaddedHidden";
            Code.Line(project.Channels is { } channels
                ? Calls(project.Matrix).MultiplyChannels(Field(project.Matrix), $"{Scratch(channels)}.Slices", input, Output, "fromColumn", "toColumn")
                : Calls(project.Matrix).MultiplyBatch(Field(project.Matrix), "fromColumn", "Math.Min(toColumn, Hidden)", "PaddedQueryWidth", input, Output));
        }

        protected override void EmitFeedForward()
        {
            if (Decoder.ChannelsOf(ChannelUse.FeedForward) is not null)
            {
                EmitBatch();
                Code.Line();
                return;
            }

            using (Code.Block($"if ({Decoder.DenseBatch})"))
            {
                if (Decoder.HasExperts)
                {
                    EmitGroups();
                }
                else
                {
                    EmitBatch();
                }
            }

            using (Code.Block("else"))
            {
                if (Decoder.HasExperts || Decoder.OfPolicies.Length > 0)
                {
                    EmitOneByOne();
                }
                else
                {
                    EmitShared();
                }
            }

            Code.Line();
        }

        private void EmitOneByOne()
        {
            Code.Line("// Neurons differ from token to token: one at a time.");
            ForTokens(() =>
            {
                Code.Line($"Span<float> input = MemoryMarshal.CreateSpan(ref {Decoder.FeedForwardInput}, PaddedHidden);");
                Code.Line("MemoryMarshal.CreateSpan(ref Normed(i), PaddedHidden).CopyTo(input);");
                Decoder.EmitPolicyCall(Row(Slot.Residual), "i", "i");
                Decoder.EmitBringChosen("_scratch[worker]", "Sequence(i)");
                new TokenPass(Decoder).EmitFeedForward("Projected(i)", "i");
                Code.Line("Workers.Barrier();");
            });
        }

        /// <summary>Writes the neurons that tokens want, those of several tokens block by block.</summary>
        private void EmitShared()
        {
            Code.Line("// Neurons differ from token to token: as many tokens as there is room for share the rows that they read.");
            Code.Line("(int fromOwn, int toOwn) = _scratch.Neurons(worker);");
            using (Code.Block("for (int first = 0; first < tokens; first += _scratch.Tokens)"))
            {
                Code.Line("int shared = Math.Min(_scratch.Tokens, tokens - first);");
                Code.Line("ReadOnlySpan<FeedForwardSlot> slots = _scratch.Slots(worker, shared);");
                ForShared(() =>
                {
                    Code.Line("Span<float> input = MemoryMarshal.CreateSpan(ref slots[i].Input, PaddedHidden);");
                    Code.Line("MemoryMarshal.CreateSpan(ref Normed(first + i), PaddedHidden).CopyTo(input);");
                    Decoder.EmitBringChosen("slots[i]", "Sequence(first + i)");
                });
                Code.Line();
                new TokenPass(Decoder).EmitShared(ForShared);
                Code.Line("Workers.Barrier();");
            }

            void ForShared(Action emit)
            {
                using (Code.Block("for (int i = 0; i < shared; i++)"))
                {
                    emit();
                }
            }
        }

        private void EmitBatch()
        {
            const string H = "ref _activated.Ref<float>()";
            const string Cuts = "ref _cuts.Ref<float>()";
            string other = Decoder._spec.FeedForward.Gated ? ", ref _other.Ref<float>()" : "";
            EmitNeurons((operation, plan, w) => operation switch
            {
                Neurons { Channels: not null } neurons => ByChannels(neurons, $"{w}.Down.NeuronBytes"),
                KeepLarger => $"SkipDownChannels<TMeter>(worker, layer, {w}.Down.NeuronBytes, tokens, fromNeuron, toNeuron);",
                Gates => $"{plan.ClassName}.BatchGates({w}, {Input("Normed(0)", "InputWidth")}, {H}, fromNeuron, toNeuron, panel);",
                MeasureGates => $"GaussianCut.OfBatch({H}, PaddedIntermediate, fromToken, toToken, {plan.ClassName}.Slices, {plan.ClassName}.CutDeviations, {Cuts});",
                Neurons when plan.NeedsAllGates =>
                    $"{plan.ClassName}.Batch({w}, {(RowGroup.NeedsInput(plan) ? Input("Normed(0)", "InputWidth") : "tokens")}, {H}{other}, {Cuts}, fromNeuron, toNeuron{(RowGroup.NeedsInput(plan) ? ", panel" : "")});",
                Neurons => $"{plan.ClassName}.Batch({w}, ref Normed(0), InputWidth, tokens, {H}{other}, fromNeuron, toNeuron, panel);",
                CountTokens => Decoder.CountStatement,
                NormNeurons norm =>
                    $"NeuronNorm.ApplyBatch({H}, PaddedIntermediate, fromToken, toToken, {plan.ClassName}.Slices, ref {First(norm.Weight)}, NormEpsilon);",
                _ => $"{plan.ClassName}.DownBatch({w}, {H}, tokens, ref Projected(0), fromColumn, toColumn, panel);",
            });
        }
    }
}
