using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>One token: matrix-vector products.</summary>
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
                ref float keys = ref Keys(0);
                ref float values = ref Values(0);
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
            if (HeadChoices.Length > 0)
            {
                _code.Line("ref float headMarks = ref HeadMarks(worker);");
                _code.Line("Span<int> keptHeads = stackalloc int[Heads];");
            }

            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _program._layers[layer];");
                _token.EmitLayer();
            }

            _code.Line();
            using (_code.Block("if (LogitsFrom == 0)"))
            {
                using (EmitChosenLogits("Mode == SparsityMode.Predicted", "0", "1"))
                {
                    EmitLogitsOfOne();
                }
            }
        }
    }

    /// <summary>Writes the norm and the head of one token, every word.</summary>
    private void EmitLogitsOfOne()
    {
        _code.Line(Norm(_program.OutputNorm, "x", "input"));
        if (_program.IsObserved)
        {
            using (_code.Block(Observed))
            {
                _code.Line(Shown("LayerCount", ObservedActivation.Final, "input", "Hidden"));
            }

            _code.Line();
        }

        WeightCalls calls = _calls.Of(_program.Head.Matrix);
        calls.EmitPrepare(_code, "float undo", "input", "PaddedHidden");
        _code.Line("(int fromToken, int toToken) = WorkerGroup.Slice(Vocabulary, Workers.Count, worker, 4);");
        _code.Line(calls.Multiply(Field(_program.Head.Matrix), "fromToken", "toToken", "PaddedHidden", "Logits"));
        EmitAfterHead("Logits", "fromToken", "toToken");
    }

    /// <summary>Where one worker shows what all of them made, or each for itself.</summary>
    private const string Observed = "if (IsObserved && worker == 0)";

    private static string Shown(string layer, ObservedActivation what, string values, string count) =>
        $"Observe({layer}, ObservedActivation.{what}, ref {values}, {count});";

    private sealed partial class TokenPass(DecoderClass decoder) : Pass(decoder)
    {
        private IReadOnlyList<Operation>? _operations;

        protected override IReadOnlyList<Operation> Operations => _operations ??= [.. Sliced(base.Operations, _ => true).SelectMany(WithKept)];

        // A norm is cheaper than a barrier, and so is a router.
        protected override Split SplitOf(Operation operation) => new(operation.Unit, IsPrivate: operation is Norm || operation is NormAttended or Route or ChooseHeads);

        protected override string Position => "position";

        protected override string Comment(Stage stage) => stage switch
        {
            Stage.Heads => "Query, key and value, head by head: each is rotated and cached by the worker that computed it.",
            Stage.Attention => "Attention over everything cached so far.",
            Stage.Output => "Output projection: this worker's columns of the residual stream.",
            Stage.Routing => "The router, which every worker asks for itself.",
            Stage.Observation => "What the layer made, for who observes the session: it stays until the next feed-forward.",
            _ when Decoder.HasExperts => "Feed-forward: this worker's neurons of each chosen expert, gate to down, then its columns of the sum.",
            _ => "Feed-forward: this worker's neurons, gate to down, then its columns of the sum.",
        };

        protected override void BeginStage(Stage stage)
        {
            if (stage == Stage.FeedForward)
            {
                EmitStamp("-=");
                Code.Line();
            }
        }

        protected override void EndStage(Stage stage)
        {
            if (stage == Stage.FeedForward)
            {
                EmitStamp("+=", "Tally(worker, layer).Timed++;");
            }
        }

        /// <summary>The time now, taken from the layer's ticks where the feed-forward begins and added where it ends.</summary>
        private void EmitStamp(string add, string? also = null)
        {
            using (Code.Block("if (TMeter.IsTimed)"))
            {
                Code.Line($"Tally(worker, layer).FeedForwardTicks {add} Stopwatch.GetTimestamp();");
                if (also is not null)
                {
                    Code.Line(also);
                }
            }
        }

        protected override string Row(Slot slot) => slot == Slot.Residual ? "x"
            : slot == Slot.Queries ? "query"
            : slot == Slot.Keys ? "keys"
            : slot == Slot.Values ? "values"
            : slot == Slot.Attended ? "attended"
            : slot == Slot.Projected ? "projected"
            : throw new NotSupportedException($"A CPU's program has no row of {slot}.");

        protected override void ForTokens(Action emit) => emit();

        protected override void EmitNorm(Norm norm) =>
            Code.Line(DecoderClass.Norm(norm, "x", norm.Stage == Stage.FeedForward ? Decoder.FeedForwardInput : "input"));

        protected override void EmitRoute(Route route) =>
            Code.Line(Decoder.RouteCall(route, route.From == Slot.Residual ? "x" : Decoder.FeedForwardInput, "worker"));

        protected override void EmitNorm(NormAttended norm) => Code.Line(DecoderClass.Norm(norm, "attended", "input"));

        protected override void EmitKeep(KeepInput keep)
        {
            if (keep == Operations.First(operation => operation is KeepInput))
            {
                Code.Line();
            }

            using (Kept(keep, "Mode == SparsityMode.Predicted"))
            {
                string from = keep.From == Slot.Normed ? Decoder.FeedForwardInput : Row(keep.From);
                Code.Line($"Elementwise.Copy(ref {from}, ref {keep.Writes.Name}(layer, 0), fromColumn, toColumn);");
            }

            Code.Line();
        }

        protected override void EmitHeadInput(Tensor matrix) => Calls(matrix).EmitPrepare(Code, "float undo", "input", "PaddedHidden");

        protected override void EmitHeadRows(Project project, string stride) => Code.Line(project.Channels is { } channels
            ? $"OrderedDown.SumChannels({Scratch(channels)}, {Decoder.Place(project.Matrix)}, ref {Row(project.To)}, row, row + HeadDimension);"
            : Calls(project.Matrix).Multiply(Field(project.Matrix), "row", "row + HeadDimension", "PaddedHidden", Row(project.To)));

        protected override void EmitObserve(Observe observe)
        {
            using (Code.Block(Observed))
            {
                Code.Line((observe.What, Decoder.HasExperts) switch
                {
                    (ObservedActivation.Experts, _) => "ObserveExperts(layer, _choices, worker);",
                    (ObservedActivation.ExpertWeights, _) => "ObserveExpertWeights(layer, _choices, worker);",
                    (ObservedActivation.Neurons, false) => "ObserveNeurons(layer, _scratch, Intermediate);",
                    (ObservedActivation.Neurons, true) => "ObserveNeurons(layer, _scratch, ActiveExperts, Intermediate);",
                    (ObservedActivation.Attended, _) => Call(observe.From == Slot.Attended ? "attended" : "input", "Heads * HeadDimension"),
                    (ObservedActivation.AttentionInput, _) => Call("input", "Hidden"),
                    (ObservedActivation.FeedForwardInput, _) => Call(Decoder.FeedForwardInput, "Hidden"),
                    _ => Call(Row(observe.From), "Hidden"),
                });
            }

            if (observe.Stage != Stage.Observation)
            {
                Code.Line();
            }

            string Call(string values, string count) => Shown("layer", observe.What, values, count);
        }

        protected override void EmitAttend(Attend attend)
        {
            EmitWindow(attend, "position + 1");
            using (QueryLoop(attend))
            {
                Code.Lines("""
                    int row = head * HeadDimension;
                    int shared = head / (Heads / KeyValueHeads);
                    """);
                EmitAttendHead(attend, attend.Windows.Count > 0 ? "positions" : "position + 1");
            }
        }

        protected override void EmitProject(Project project)
        {
            if (project.Channels is { } channels)
            {
                Code.Line($"OrderedDown.SumChannels({Scratch(channels)}, {Decoder.Place(project.Matrix)}, ref projected, fromColumn, Math.Min(toColumn, Hidden));");
                return;
            }

            string undo = Decoder.ChannelsOf(ChannelUse.Heads) is null ? "undo" : "float undo";
            Calls(project.Matrix).EmitPrepare(Code, undo, project.From == Slot.Normed ? "input" : "attended", "PaddedQueryWidth");
            Code.Line(Calls(project.Matrix).Multiply(Field(project.Matrix), "fromColumn", "Math.Min(toColumn, Hidden)", "PaddedQueryWidth", "projected"));
        }

        protected override void EmitFeedForward()
        {
            Decoder.EmitBringChosen("_scratch[worker]", "this");
            EmitFeedForward("projected", "worker", Decoder.CountStatementOfOne);
        }

        /// <summary>Writes the feed-forward of the input in this worker's slot.</summary>
        /// <param name="y">Where it goes.</param>
        /// <param name="row">Which row of the router's choices is the token's.</param>
        /// <param name="count">What follows the neurons, as statements.</param>
        public void EmitFeedForward(string y, string row, string count = "")
        {
            if (Decoder.HasExperts)
            {
                Code.Line($"ComputeExperts<TMeter>(worker, layer, w, {row}, ref {y}, fromColumn, toColumn);");
                return;
            }

            EmitNeurons((operation, plan, weights) => operation switch
            {
                Neurons { Channels: not null } => $"ActivateSums<TMeter>(worker, layer, w, {weights}.Down.NeuronBytes);",
                KeepLarger => $"KeepLarger<TMeter>(worker, layer, _scratch[worker], {weights}.Down.NeuronBytes);",
                SumSquares => "NeuronNorm.SumSquares(_scratch, worker);",
                NormNeurons norm => $"NeuronNorm.Apply(_scratch, worker, ref {First(norm.Weight)}, NormEpsilon);",
                _ => Decoder._feedForwardCalls.Call(operation, plan, weights, "_scratch", y) + (operation is Neurons ? count : ""),
            });
        }

        /// <summary>Writes the feed-forward of the inputs in this worker's slots of <c>shared</c> tokens, the batch's from <c>first</c> on.</summary>
        /// <param name="forTokens">Writes a loop over them.</param>
        public void EmitShared(Action<Action> forTokens) => Decoder._feedForwardCalls.ForWeights((plan, weights) =>
        {
            foreach (Operation operation in Operations.Where(IsFeedForward))
            {
                string? ofToken = operation switch
                {
                    KeepLarger => $"KeepLarger<TMeter>(worker, layer, slots[i], {weights}.Down.NeuronBytes);",
                    SumSquares => "NeuronNorm.SumSquares(_scratch, worker, i);",
                    NormNeurons norm => $"NeuronNorm.Apply(_scratch, worker, ref {First(norm.Weight)}, NormEpsilon, i);",
                    SumSlices => $"{plan.ClassName}.Sum({weights}, _scratch, ref Projected(first + i), fromColumn, toColumn, i);",
                    _ => null,
                };
                if (ofToken is null)
                {
                    Code.Line(Decoder._feedForwardCalls.Call(operation, plan, weights, "_scratch", "", "shared"));
                }
                else
                {
                    forTokens(() => Code.Line(ofToken));
                }

                if (operation is Neurons)
                {
                    using (Code.Block("if (TMeter.IsOn)"))
                    {
                        Code.Line("CountUnion(worker, slots, toOwn - fromOwn);");
                    }

                    Code.Line();
                }

                if (operation is not SumSlices && Ends.Contains(operation))
                {
                    Code.Line("Workers.Barrier();");
                }
            }
        });
    }
}
