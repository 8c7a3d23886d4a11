using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// What policies compute before the neurons that they choose: a phase of all workers together, for one token. Of experts it is computed for those that
/// the token has, between the same barriers, each with a row of every slot.
/// </summary>
internal sealed partial class DecoderClass
{
    private const string PhaseMethod = "BeforeNeurons";

    /// <summary>Operations of policies' phases; none: there is nothing of what follows.</summary>
    private Operation[] OfPolicies => [.. _program.Layer.Where(operation => operation.IsOfPhase)];

    private IEnumerable<KeepInput> KeptInputs => _program.Layer.OfType<KeepInput>();

    /// <summary>Whether a policy reads an earlier layer's input.</summary>
    private bool LooksAhead => KeptInputs.Any();

    /// <summary>Projections that policies have of their own, whatever they choose.</summary>
    private IEnumerable<Project> PolicyProjects => _program.Layer.OfType<Project>().Where(project => project.Policy is not null);

    /// <summary>Slots of policies' own, each as wide as its widest.</summary>
    private IEnumerable<Slot> PolicySlots => OfPolicies.Select(operation => operation.Writes)
        .GroupBy(slot => slot.Name)
        .Select(slots => slots.OrderByDescending(slot => slot.Width!.Size).First());

    /// <summary>Padded columns of the widest matrix of a policy.</summary>
    private int PolicyInputWidth => PolicyProjects.Max(project => WeightLayout.Pad(project.Matrix.Columns!.Size));

    private IEnumerable<(string Name, string Count)> PolicyBuffers()
    {
        foreach (Slot slot in PolicySlots)
        {
            yield return ($"_{slot.Variable}", HasExperts ? $"ActiveExperts * {RowWidth(slot)}" : $"{WeightLayout.Pad(slot.Width!.Size)}");
        }

        foreach (KeepInput keep in KeptInputs)
        {
            yield return ($"_{keep.Writes.Variable}", $"{keep.Rows} * (long)rows * PaddedHidden");
        }

        if (PolicyProjects.Any())
        {
            yield return ("_policyInputs", $"{_calls.PolicyInputs.Count()} * Workers.Count * PolicyInputWidth");
        }
    }

    /// <summary>Slots of which each of a token's experts has a row, and how wide it is.</summary>
    private IEnumerable<(string Name, string Width)> ExpertSlots => HasExperts ? PolicySlots.Select(slot => (slot.Name, RowWidth(slot))) : [];

    private static string RowWidth(Slot slot) => slot.Width!.IsNumber ? $"{WeightLayout.Pad(slot.Width.Size)}" : Padded(slot);

    /// <summary>Whether a policy reads the residual stream itself.</summary>
    private bool PolicyReadsResidual => OfPolicies.Any(operation => operation.Reads.Contains(Slot.Residual));

    /// <summary>Writes the phase's call where a token has come to its neurons; their input is in the worker's slot.</summary>
    /// <param name="residual">The token's row of the residual stream.</param>
    /// <param name="row">Which row of the router's choices is the token's.</param>
    /// <param name="token">Which of the batch's it is.</param>
    private void EmitPolicyCall(string residual, string row, string token)
    {
        if (OfPolicies.Length == 0)
        {
            return;
        }

        var layers = LayerSet.Union(OfPolicies.Select(operation => operation.Policy!.Layers));
        string condition = "Mode == SparsityMode.Predicted" + (layers.IsEveryLayer ? "" : $" && {layers.Condition}");
        using (_code.Block($"if ({condition})"))
        {
            _code.Line($"{PhaseMethod}<TMeter>(worker, layer, w{(HasExperts ? $", {row}" : "")}{(LooksAhead ? $", {token}" : "")}{(PolicyReadsResidual ? $", ref {residual}" : "")});");
        }

        _code.Line();
    }

    private void EmitPolicies()
    {
        if (OfPolicies.Length == 0)
        {
            return;
        }

        HashSet<Operation> ends = _token.Ends;
        _code.Line();
        string whose = HasExperts ? " Of each expert in a row of the router's choices." : "";
        _code.Summary($"What policies make of the input in this worker's slot, before they choose neurons: all workers together, each its rows.{whose}");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block($"private void {PhaseMethod}<TMeter>(int worker, int layer, Layer w{(HasExperts ? ", int row" : "")}{(LooksAhead ? ", int token" : "")}{(PolicyReadsResidual ? ", ref float residual" : "")})\n    where TMeter : struct, IMeter"))
        {
            EmitPredictorStamp("-=");
            _code.Line();
            if (OfPolicies.Any(operation => operation.Reads.Contains(Slot.Normed)))
            {
                _code.Line($"ref float normed = ref {FeedForwardInput};");
            }

            foreach ((string input, int index) in _calls.PolicyInputs.Select((input, index) => (input, index)))
            {
                string place = index == 0 ? "worker" : index == 1 ? "(Workers.Count + worker)" : $"(({index} * Workers.Count) + worker)";
                _code.Line($"ref float {input} = ref Unsafe.Add(ref _policyInputs.Ref<float>(), {place} * (nint)PolicyInputWidth);");
            }

            if (HasExperts)
            {
                _code.Line("Span<int> experts = _choices.Experts(row);");
            }

            foreach (Slot slot in HasExperts ? [] : PolicySlots)
            {
                _code.Line($"ref float {slot.Variable} = ref {CpuCall.Buffer(slot)};");
            }

            foreach (var phase in OfPolicies.GroupBy(operation => operation.Policy!))
            {
                _code.Line();
                using (phase.Key.Layers.IsEveryLayer ? default(CodeWriter.Scope?) : _code.Block($"if ({phase.Key.Layers.Condition})"))
                {
                    EmitPhase(phase.Key.Summary, [.. phase], ends);
                }
            }

            _code.Line();
            EmitPredictorStamp("+=");
        }
    }

    private void EmitPredictorStamp(string add)
    {
        using (_code.Block("if (TMeter.IsTimed)"))
        {
            _code.Line($"Tally(worker, layer).PredictorTicks {add} Stopwatch.GetTimestamp();");
        }
    }

    private void EmitPhase(string summary, IReadOnlyList<Operation> operations, HashSet<Operation> ends)
    {
        _code.Line($"// {summary}");
        foreach (Slot slot in operations.Select(operation => operation.Writes).Distinct().Where(slot => slot.Width!.IsNumber))
        {
            _code.Line($"const int {slot.Name}Width = {slot.Width!.Size}; // {slot.Width.Declared}");
            _code.Line($"const int Padded{slot.Name}Width = {WeightLayout.Pad(slot.Width.Size)};");
        }

        foreach (Slot slot in operations.SelectMany(operation => operation.Reads).Distinct().Where(slot => slot.Earlier is not null))
        {
            _code.Line($"ref float {slot.Variable} = ref {slot.Earlier!.Value.Of.Kept.Name}(layer - {slot.Earlier.Value.LayersBack}, token);");
        }

        var divided = new HashSet<string>();
        bool isFirst = true;
        int next = 0;
        while (next < operations.Count)
        {
            // What stands between two barriers: of experts a loop over those that the token has.
            Operation[] run = [.. operations.Skip(next).TakeWhile((_, i) => i == 0 || !ends.Contains(operations[next + i - 1]))];
            next += run.Length;
            foreach ((string from, string to, string? division) in run.Select(Rows).Where(rows => rows.Division is not null && divided.Add(rows.From)))
            {
                _code.Line($"(int {from}, int {to}) = {division};");
            }

            foreach (Project project in run.OfType<Project>().Where(project => HasExperts && project.From.Width is null))
            {
                EmitPrepare(project, ref isFirst);
            }

            using (ForExperts())
            {
                foreach (Slot slot in HasExperts ? run.SelectMany(operation => operation.Reads.Append(operation.Writes)).Where(slot => slot.Width is not null).Distinct() : [])
                {
                    _code.Line($"ref float {slot.Variable} = ref {slot.Name}(i);");
                }

                foreach (Operation operation in run)
                {
                    if (operation is Project project && !(HasExperts && project.From.Width is null))
                    {
                        EmitPrepare(project, ref isFirst);
                    }

                    EmitOfPhase(operation);
                }
            }

            if (ends.Contains(run[run.Length - 1]))
            {
                if (HasExperts)
                {
                    _code.Line();
                }

                _code.Line("Workers.Barrier();");
            }
        }

        EmitBytes(operations.OfType<Project>());
    }

    /// <summary>A loop over a token's experts, where there are any.</summary>
    private CodeWriter.Scope? ForExperts() => HasExperts ? _code.Block("for (int i = 0; i < ActiveExperts; i++)") : null;

    /// <summary>A policy's tensor: in a loop over a token's experts, this one's.</summary>
    private static string OfChosen(Tensor tensor) => Field(tensor) + (tensor.Experts is null ? "" : "[experts[i]]");

    private void EmitPrepare(Project project, ref bool isFirst)
    {
        _calls.Of(project.Matrix).EmitPrepare(_code, isFirst ? "float undo" : "undo", project.From.Variable, Padded(project.From));
        isFirst = false;
    }

    private void EmitOfPhase(Operation operation)
    {
        (string from, string to, _) = Rows(operation);
        _code.Line(operation switch
        {
            Project project => _calls.Of(project.Matrix).Multiply(OfChosen(project.Matrix), from, to, Padded(project.From), project.To.Variable),
            AddBias bias => Bias(bias.To.Variable, OfChosen(bias.Bias), from, to),
            Rectify rectify => $"Elementwise.Rectify(ref {rectify.To.Variable}, {from}, {to});",
            KeepLargest keep => $"Largest.Keep(ref {keep.From.Variable}, {Width(keep.From)}, {keep.Policy!.Kept}, ref {keep.To.Variable}, {from}, {to});",
            _ => throw new NotSupportedException($"A CPU's program has no {operation.GetType().Name} before neurons."),
        });
    }

    /// <summary>Counts what a worker reads of matrices.</summary>
    private void EmitBytes(IEnumerable<Project> projects)
    {
        _code.Line();
        using (_code.Block("if (TMeter.IsOn)"))
        using (ForExperts())
        {
            foreach (Project project in projects)
            {
                (string from, string to, _) = Rows(project);
                string matrix = OfChosen(project.Matrix) + (_calls.Of(project.Matrix).Single ? "" : ".Weights");
                _code.Line($"Tally(worker, layer).Bytes += ({to} - {from}) * {matrix}.Stride;");
            }
        }
    }

    /// <summary>A worker's part of an operation, and how it gets it.</summary>
    private (string From, string To, string? Division) Rows(Operation operation) => operation.Unit == WorkUnit.Neuron
        ? ("fromNeuron", "toNeuron", $"_scratch{(HasExperts ? "[0]" : "")}.Neurons(worker)")
        : ($"from{operation.Writes.Name}", $"to{operation.Writes.Name}", $"WorkerGroup.Slice({Width(operation.Writes)}, Workers.Count, worker, 4)");

    private static string Width(Slot slot) => slot.Width!.IsNumber ? $"{slot.Name}Width" : slot.Width.Name;

    private static string Padded(Slot slot) => slot.Width is null ? "PaddedHidden"
        : slot.Width!.IsNumber ? $"Padded{slot.Name}Width"
        : $"Padded{slot.Width.Name}";
}
