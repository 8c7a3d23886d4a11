using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>Heads that policies leave out: each worker chooses a token's for itself, which is cheaper than a barrier; of a batch, each its tokens'.</summary>
internal sealed partial class DecoderClass
{
    /// <summary>How a token's heads are chosen, by all policies that do so in a stage: layers have one of them each.</summary>
    /// <param name="Phases">The operations of each, in order: the last marks the heads.</param>
    private sealed record ChooseHeads(IReadOnlyList<IGrouping<PolicyUse, Operation>> Phases)
        : Operation(Phases[0].First().Stage, WorkUnit.Token, Phases[0].Last().Writes, Phases[0].First().Reads)
    {
        /// <summary>Whether it does so before queries are computed: then those of heads that are left out are not.</summary>
        public bool IsBeforeQueries => Stage == Stage.Heads;

        /// <summary>What its method is called.</summary>
        public string Method => IsBeforeQueries ? "RouteHeads" : "RankHeads";

        public override bool ReadsOwn(Slot slot) => true;
    }

    private ChooseHeads[] HeadChoices =>
        [.. _program.Layer.HeadPhases().GroupBy(phase => phase.First().Stage).Select(stage => new ChooseHeads([.. stage]))];

    private bool RoutesHeads => HeadChoices.Any(choice => choice.IsBeforeQueries);

    private string HeadConstants => HeadChoices.Length == 0 ? "" : $"\nprivate const int PaddedKeyValueHeads = {WeightLayout.Pad(_attention.KeyValueHeads)};";

    private IEnumerable<(string Name, string Count)> HeadBuffers() => HeadChoices.Length == 0 ? [] :
    [
        ("_headScores", "Workers.Count * PaddedKeyValueHeads"),
        ("_headMarks", "(long)Math.Max(rows, Workers.Count) * PaddedKeyValueHeads"),
    ];

    /// <summary>Writes the methods that choose heads.</summary>
    private void EmitHeadChoices()
    {
        foreach (ChooseHeads choice in HeadChoices)
        {
            _code.Line();
            EmitHeadChoice(choice);
        }

        if (HeadChoices.Length > 0)
        {
            _code.Line();
            _code.Summary("Marks of a token's key-value heads: 0 where one is kept, -1 where not.");
            _code.Line("private ref float HeadMarks(int row) => ref Unsafe.Add(ref _headMarks.Ref<float>(), row * (nint)PaddedKeyValueHeads);");
        }
    }

    private void EmitHeadChoice(ChooseHeads choice)
    {
        // Of two stages the first says of all layers that heads are kept, and the second changes its own.
        bool isFirst = choice.IsBeforeQueries || !RoutesHeads;
        string from = choice.Reads[0].Variable;
        string w = choice.IsBeforeQueries ? ", Layer w" : "";
        _code.Summary($"Marks the heads that a token attends with. Where none are chosen, {(isFirst ? "all are kept" : "nothing is changed")}.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block($"private void {choice.Method}<TMeter>(int worker, int layer{w}, bool chooses, bool counts, ref float {from}, ref float headMarks)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("ref float headScores = ref Unsafe.Add(ref _headScores.Ref<float>(), worker * (nint)PaddedKeyValueHeads);");
            _code.Line("int skipped = 0;");
            foreach (var (phase, i) in choice.Phases.Select((phase, i) => (phase, i)))
            {
                LayerSet layers = phase.Key.Layers;
                using (_code.Block($"{(i == 0 ? "" : "else ")}if (chooses{(layers.IsEveryLayer ? "" : $" && {layers.Condition}")})"))
                {
                    EmitPhaseOfHeads(phase);
                }
            }

            if (isFirst)
            {
                using (_code.Block("else"))
                {
                    _code.Line("MemoryMarshal.CreateSpan(ref headMarks, KeyValueHeads).Clear();");
                }
            }

            if (choice.IsBeforeQueries && Queries is { Channels: null })
            {
                _code.Line();
                using (_code.Block("if (TMeter.IsOn && counts)"))
                {
                    _code.Line($"Tally(worker, layer).CountRows((Heads - skipped) * HeadDimension, skipped * HeadDimension, {Stride(Queries.Matrix)});");
                }
            }
        }
    }

    private void EmitPhaseOfHeads(IGrouping<PolicyUse, Operation> phase)
    {
        _code.Line($"// {phase.Key.Summary}");
        foreach (Operation operation in phase)
        {
            EmitOfHeads(operation);
        }

        using (_code.Block("if (TMeter.IsOn && counts)"))
        {
            _code.Line("Tally(worker, layer).CountHeads(Heads, skipped);");
            foreach (Project project in phase.OfType<Project>())
            {
                _code.Line($"Tally(worker, layer).Bytes += KeyValueHeads * {Stride(project.Matrix)};");
            }
        }
    }

    private Project Queries => _program.Layer.OfType<Project>().Single(project => project.To == Slot.Queries);

    private void EmitOfHeads(Operation operation)
    {
        switch (operation)
        {
            case Project project:
                foreach ((string input, int index) in _calls.Of(project.Matrix).Inputs.Select((input, index) => (input, index)))
                {
                    string place = index == 0 ? "worker" : index == 1 ? "(Workers.Count + worker)" : $"(({index} * Workers.Count) + worker)";
                    _code.Line($"ref float {input} = ref Unsafe.Add(ref _policyInputs.Ref<float>(), {place} * (nint)PolicyInputWidth);");
                }

                _calls.Of(project.Matrix).EmitPrepare(_code, "float undo", project.From.Variable, Padded(project.From));
                _code.Line(_calls.Of(project.Matrix).Multiply(Field(project.Matrix), "0", "KeyValueHeads", Padded(project.From), "headScores"));
                break;
            case AddBias bias:
                _code.Line(Bias("headScores", Field(bias.Bias), "0", "KeyValueHeads"));
                break;
            case ScoreQueries:
                _code.Line("HeadChoice.Score(ref queries, KeyValueHeads, Heads / KeyValueHeads * HeadDimension, ref headScores);");
                break;
            case KeepLargest keep:
                _code.Line($"int kept = {keep.Policy!.Kept};");
                _code.Line("Largest.Keep(ref headScores, KeyValueHeads, kept, ref headMarks, 0, KeyValueHeads);");
                _code.Line("skipped = (KeyValueHeads - kept) * (Heads / KeyValueHeads);");
                break;
            default:
                throw new NotSupportedException($"A CPU's program has no {operation.GetType().Name} before heads.");
        }
    }

    private abstract partial class Pass
    {
        /// <summary>The operations, where each choice of heads is one.</summary>
        private IEnumerable<Operation> WithChoices(IEnumerable<Operation> operations) => operations.SelectMany(operation =>
            !HeadChoice.IsOfHeads(operation) ? [operation]
            : Decoder.HeadChoices.FirstOrDefault(choice => ReferenceEquals(choice.Phases[0].First(), operation)) is { } choice ? [choice]
            : Array.Empty<Operation>());

        protected abstract void EmitChoice(ChooseHeads choice);
    }

    private sealed partial class TokenPass
    {
        private const string Sharing = "Heads / KeyValueHeads";

        protected override void EmitChoice(ChooseHeads choice)
        {
            string w = choice.IsBeforeQueries ? ", w" : "";
            string from = choice.IsBeforeQueries ? "input" : Row(choice.Reads[0]);
            string declared = Decoder.RoutesHeads && !choice.IsBeforeQueries ? "" : "int ";
            Code.Line($"{choice.Method}<TMeter>(worker, layer{w}, Mode == SparsityMode.Predicted, counts: worker == 0, ref {from}, ref headMarks);");
            Code.Line($"{declared}headCount = HeadChoice.List(ref headMarks, KeyValueHeads, {Sharing}, keptHeads);");
        }

        /// <summary>Workers share what there is to compute: heads that are left out have no queries.</summary>
        protected override IDisposable HeadLoop()
        {
            if (!Decoder.RoutesHeads)
            {
                return base.HeadLoop();
            }

            Code.Line("(fromHead, toHead) = WorkerGroup.Slice(headCount + (2 * KeyValueHeads), Workers.Count, worker, 1);");
            IDisposable loop = Code.Block("for (int unit = fromHead; unit < toHead; unit++)");
            Code.Line("int head = unit < headCount ? keptHeads[unit] : Heads - headCount + unit;");
            return loop;
        }

        /// <summary>Writes a loop over the worker's heads, <c>head</c>.</summary>
        private IDisposable QueryLoop(Attend attend)
        {
            if (!attend.IsChosen)
            {
                return Code.Block("for (int head = fromQuery; head < toQuery; head++)");
            }

            Code.Line($"HeadChoice.Clear(ref headMarks, {Sharing}, fromQuery, toQuery, HeadDimension, ref attended);");
            Code.Line("(int fromKept, int toKept) = WorkerGroup.Slice(headCount, Workers.Count, worker, 1);");
            IDisposable loop = Code.Block("for (int unit = fromKept; unit < toKept; unit++)");
            Code.Line("int head = keptHeads[unit];");
            return loop;
        }
    }

    private sealed partial class PromptPass
    {
        protected override void EmitChoice(ChooseHeads choice)
        {
            string w = choice.IsBeforeQueries ? ", w" : "";
            using (Code.Block("for (int i = fromToken; i < toToken; i++)"))
            {
                Code.Line($"{choice.Method}<TMeter>(worker, layer{w}, !IsDenseBatch && Mode == SparsityMode.Predicted, counts: !IsDenseBatch, ref {Row(choice.Reads[0])}, ref HeadMarks(i));");
                if (choice.IsBeforeQueries)
                {
                    EmitSkip(ChannelUse.Heads, "Normed(i)", "Hidden");
                }
            }

            Code.Line();
        }

        /// <summary>Begins what is done for heads that are kept, after zeros for the others.</summary>
        private IDisposable? IfKept(Attend attend)
        {
            if (!attend.IsChosen)
            {
                return null;
            }

            using (Code.Block("if (!HeadChoice.IsKept(ref HeadMarks(i), shared))"))
            {
                Code.Line("MemoryMarshal.CreateSpan(ref Unsafe.Add(ref Attended(i), row), HeadDimension).Clear();");
            }

            return Code.Block("else");
        }
    }
}
