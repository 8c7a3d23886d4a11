using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// Experts: which a token has, those of one token, and those of a prompt. A token's outputs are added in ascending order of its experts, because a
/// prompt goes through the experts in that order.
/// </summary>
internal sealed partial class DecoderClass
{
    private bool HasExperts => _spec.Experts is not null;

    /// <summary>What a session has for feed-forwards beside its buffers.</summary>
    private IEnumerable<string> Scratches => HasExperts ? ["_scratch", "_choices"] : ["_scratch"];

    /// <summary>Where a worker finds its feed-forward's input, as C#.</summary>
    private string FeedForwardInput => HasExperts ? "_scratch.Input(worker)" : "_scratch[worker].Input";

    private string ExpertText => _spec.Experts is not { } experts ? ""
        : $"{experts.Active} of {experts.Count} experts, by {experts.Gating.ToString().ToLowerInvariant()} of "
            + $"{(experts.Router == RouterInput.Layer ? "the layer's input" : "their own input")}, each ";

    private string ExpertConstants => _spec.Experts is not { } experts ? ""
        : $"\nprivate const int Experts = {experts.Count};\nprivate const int ActiveExperts = {experts.Active};";

    private void EmitScratchFields()
    {
        if (!HasExperts)
        {
            _code.Line("private readonly FeedForwardScratch _scratch;");
            return;
        }

        _code.Line("private readonly ExpertScratch _scratch;");
        _code.Line("private readonly ExpertChoices _choices;");
        _code.Line("private readonly ExpertGroups[] _groups;");
    }

    /// <summary>
    /// How many tokens the neurons of a batch take at a time, as C#: one in a session's own prompts, all of several sessions', unless policies compute
    /// something of one token before.
    /// </summary>
    private string SharingTokens => OfPolicies.Length > 0 ? "1" : "capacity == 0 ? rows : 1";

    /// <param name="shape">The class of the feed-forward's kernels.</param>
    private void EmitScratch(string shape)
    {
        if (!HasExperts)
        {
            _code.Line($"_scratch = new FeedForwardScratch(Workers.Count, PaddedHidden, {shape}.Slices, {shape}.SideWords, tokens: {SharingTokens});");
            return;
        }

        _code.Line($"_scratch = new ExpertScratch(ActiveExperts, Workers.Count, PaddedHidden, {shape}.Slices, {shape}.SideWords);");
        _code.Line("_choices = new ExpertChoices(Math.Max(rows, Workers.Count), Experts, ActiveExperts);");
        _code.Line("_groups = new ExpertGroups[Workers.Count];");
        using (_code.Block("for (int i = 0; i < _groups.Length; i++)"))
        {
            _code.Line("_groups[i] = new ExpertGroups(rows, Experts, ActiveExperts);");
        }
    }

    /// <summary>The choice of a token's experts, as a statement.</summary>
    /// <param name="x">Its input.</param>
    /// <param name="row">Where it goes.</param>
    private string RouteCall(Route route, string x, string row) =>
        $"ExpertRouter.{route.Spec.Gating}<F32>(in {Field(route.Matrix)}, in {x}, ref _scratch.PreparedInput(worker), PaddedHidden, _choices, {row});";

    /// <summary>Writes the method that computes a token's experts.</summary>
    private void EmitExperts()
    {
        if (!HasExperts)
        {
            return;
        }

        _code.Line();
        _code.Summary(
            "The experts in a row of the router's choices, for the input in every worker's slot: all their neurons, then this worker's columns of y.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("private void ComputeExperts<TMeter>("
            + "int worker, int layer, Layer w, int row, ref float y, int fromColumn, int toColumn)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("Span<int> experts = _choices.Experts(row);");
            _code.Line("Span<float> weights = _choices.Weights(row);");
            _code.Line("ref float summed = ref _summed.Ref<float>();");
            _feedForwardCalls.ForWeights((plan, all) => new TokenPass(this).EmitExperts(plan, all));
        }
    }

    private sealed partial class TokenPass
    {
        public void EmitExperts(FeedForwardPlan plan, string all)
        {
            HashSet<Operation> ends = Ends;
            Operation[] ofExperts = [.. Operations.Where(operation => operation is Neurons or Down)];
            using (Code.Block("for (int i = 0; i < ActiveExperts; i++)"))
            {
                Code.Line($"{plan.ClassName}.Weights expert = {all}[experts[i]];");
                foreach (Operation operation in ofExperts)
                {
                    Code.Line(operation is Neurons
                        ? Decoder._feedForwardCalls.ActivateExpert("expert", "i", "experts[i]")
                        : Decoder._feedForwardCalls.Call(operation, plan, "expert", "_scratch[i]", "summed"));
                }
            }

            Code.Line();
            if (ends.Contains(ofExperts[ofExperts.Length - 1]))
            {
                Code.Line("Workers.Barrier();");
            }

            EmitClear(Code, "y");
            using (Code.Block("for (int i = 0; i < ActiveExperts; i++)"))
            {
                Code.Line($"{plan.ClassName}.Sum({all}[experts[i]], _scratch[i], ref summed, fromColumn, toColumn);");
                Code.Line("Elementwise.AddScaled(ref y, ref summed, weights[i], fromColumn, toColumn);");
            }
        }
    }

    private sealed partial class PromptPass
    {
        /// <summary>An operation as a prompt has it: tokens lie in the order of their experts, and so do the products' results.</summary>
        private static IEnumerable<Operation> OfGroups(Operation operation) => operation switch
        {
            Neurons => [new GroupTokens(), operation with { Reads = new[] { Slot.Grouped }.ToEquatableArray() }],
            Down => [operation with { Writes = Slot.Grouped }],
            SumExperts => [operation with { Reads = new[] { Slot.Grouped }.ToEquatableArray() }],
            _ => [operation],
        };

        /// <summary>Writes a batch's experts: each with all its tokens, so that its weights are read once.</summary>
        private void EmitGroups()
        {
            HashSet<Operation> ends = Ends;
            Code.Lines("""
                // Tokens in the order of their experts: each expert's weights are read once.
                ExpertGroups groups = _groups[worker];
                groups.Sort(_choices, tokens);
                """);
            using (Code.Block("for (int i = fromToken; i < toToken; i++)"))
            {
                Code.Line("Span<float> input = MemoryMarshal.CreateSpan(ref Normed(i), PaddedHidden);");
                using (Code.Block("for (int n = 0; n < ActiveExperts; n++)"))
                {
                    Code.Line("input.CopyTo(MemoryMarshal.CreateSpan(ref Grouped(groups.Row(i, n)), PaddedHidden));");
                }
            }

            EmitBarrierAfter<GroupTokens>(ends);
            Decoder._feedForwardCalls.ForWeights((plan, all) =>
            {
                string other = Decoder._spec.FeedForward.Gated ? ", ref Other(from)" : "";
                ForExperts($"{plan.ClassName}.Batch({all}[expert], ref Grouped(from), PaddedHidden, to - from, ref Activated(from){other}, fromNeuron, toNeuron, panel);");
                EmitBarrierAfter<Neurons>(ends);
                ForExperts($"{plan.ClassName}.DownBatch({all}[expert], ref Activated(from), to - from, ref Grouped(from), fromColumn, toColumn, panel);");
            });
            EmitBarrierAfter<Down>(ends);
            Code.Line();
            using (Code.Block("for (int i = 0; i < tokens; i++)"))
            {
                Code.Line("ref float y = ref Projected(i);");
                EmitClear(Code, "y");
                using (Code.Block("for (int n = 0; n < ActiveExperts; n++)"))
                {
                    Code.Line("Elementwise.AddScaled(ref y, ref Grouped(groups.Row(i, n)), _choices.Weights(i)[n], fromColumn, toColumn);");
                }
            }
        }

        private void ForExperts(string statement)
        {
            using (Code.Block("for (int expert = 0; expert < Experts; expert++)"))
            {
                Code.Line("(int from, int to) = groups.RowsOf(expert);");
                using (Code.Block("if (from < to)"))
                {
                    Code.Line(statement);
                }
            }
        }

        private void EmitBarrierAfter<T>(HashSet<Operation> ends)
            where T : Operation
        {
            if (ends.Contains(Operations.OfType<T>().Single()))
            {
                Code.Line();
                Code.Line("Workers.Barrier();");
            }
        }
    }

    private static void EmitClear(CodeWriter code, string y) =>
        code.Line($"MemoryMarshal.CreateSpan(ref Unsafe.Add(ref {y}, fromColumn), toColumn - fromColumn).Clear();");
}
