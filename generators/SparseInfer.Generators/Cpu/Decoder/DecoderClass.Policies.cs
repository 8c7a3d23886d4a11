using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>What policies compute before the neurons that they choose: a phase of all workers together, for one token.</summary>
internal sealed partial class DecoderClass
{
    private const string PhaseMethod = "BeforeNeurons";

    /// <summary>Operations of policies' phases; none: there is nothing of what follows.</summary>
    private Operation[] OfPolicies => [.. _program.Layer.Where(operation => operation.Policy is not null && !HeadChoice.IsOfHeads(operation))];

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
            yield return ($"_{slot.Variable}", $"{WeightLayout.Pad(slot.Width!.Size)}");
        }

        if (PolicyProjects.Any())
        {
            yield return ("_policyInputs", $"{_calls.PolicyInputs.Count()} * Workers.Count * PolicyInputWidth");
        }
    }

    /// <summary>Whether a policy reads the residual stream itself.</summary>
    private bool PolicyReadsResidual => OfPolicies.Any(operation => operation.Reads.Contains(Slot.Residual));

    /// <summary>Writes the phase's call where a token has come to its neurons; their input is in the worker's slot.</summary>
    /// <param name="residual">The token's row of the residual stream.</param>
    private void EmitPolicyCall(string residual)
    {
        if (OfPolicies.Length == 0)
        {
            return;
        }

        var layers = LayerSet.Union(OfPolicies.Select(operation => operation.Policy!.Layers));
        string condition = "Mode == SparsityMode.Predicted" + (layers.IsEveryLayer ? "" : $" && {layers.Condition}");
        using (_code.Block($"if ({condition})"))
        {
            _code.Line($"{PhaseMethod}<TMeter>(worker, layer, w{(PolicyReadsResidual ? $", ref {residual}" : "")});");
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
        _code.Summary("What policies make of the input in this worker's slot, before they choose neurons: all workers together, each its rows.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block($"private void {PhaseMethod}<TMeter>(int worker, int layer, Layer w{(PolicyReadsResidual ? ", ref float residual" : "")})\n    where TMeter : struct, IMeter"))
        {
            EmitPredictorStamp("-=");
            _code.Line();
            if (OfPolicies.Any(operation => operation.Reads.Contains(Slot.Normed)))
            {
                _code.Line("ref float normed = ref _scratch[worker].Input;");
            }

            foreach ((string input, int index) in _calls.PolicyInputs.Select((input, index) => (input, index)))
            {
                string place = index == 0 ? "worker" : index == 1 ? "(Workers.Count + worker)" : $"(({index} * Workers.Count) + worker)";
                _code.Line($"ref float {input} = ref Unsafe.Add(ref _policyInputs.Ref<float>(), {place} * (nint)PolicyInputWidth);");
            }

            foreach (Slot slot in PolicySlots)
            {
                _code.Line($"ref float {slot.Variable} = ref {CpuCall.Buffer(slot)};");
            }

            foreach (var phase in OfPolicies.GroupBy(operation => operation.Policy!))
            {
                using (phase.Key.Layers.IsEveryLayer ? default(CodeWriter.Scope?) : _code.Block($"if ({phase.Key.Layers.Condition})"))
                {
                    EmitPhase(phase.Key.Summary, [.. phase], ends);
                }

                _code.Line();
            }

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

        var divided = new HashSet<string>();
        bool isFirst = true;
        foreach (Operation operation in operations)
        {
            (string from, string to, string? division) = Rows(operation);
            if (division is not null && divided.Add(from))
            {
                _code.Line($"(int {from}, int {to}) = {division};");
            }

            switch (operation)
            {
                case Project project:
                    _calls.Of(project.Matrix).EmitPrepare(_code, isFirst ? "float undo" : "undo", project.From.Variable, Padded(project.From));
                    isFirst = false;
                    _code.Line(_calls.Of(project.Matrix).Multiply(Field(project.Matrix), from, to, Padded(project.From), project.To.Variable));
                    break;
                case AddBias bias:
                    _code.Line(Bias(bias.To.Variable, Field(bias.Bias), from, to));
                    break;
                case Rectify rectify:
                    _code.Line($"Elementwise.Rectify(ref {rectify.To.Variable}, {from}, {to});");
                    break;
                case KeepLargest keep:
                    _code.Line($"Largest.Keep(ref {keep.From.Variable}, {Width(keep.From)}, {keep.Policy!.Kept}, ref {keep.To.Variable}, {from}, {to});");
                    break;
                default:
                    throw new NotSupportedException($"A CPU's program has no {operation.GetType().Name} before neurons.");
            }

            if (ends.Contains(operation))
            {
                _code.Line("Workers.Barrier();");
            }
        }

        EmitBytes(operations.OfType<Project>());
    }

    /// <summary>Counts what a worker reads of matrices.</summary>
    private void EmitBytes(IEnumerable<Project> projects)
    {
        _code.Line();
        using (_code.Block("if (TMeter.IsOn)"))
        {
            foreach (Project project in projects)
            {
                (string from, string to, _) = Rows(project);
                string matrix = _calls.Of(project.Matrix).Single ? Field(project.Matrix) : $"{Field(project.Matrix)}.Weights";
                _code.Line($"Tally(worker, layer).Bytes += ({to} - {from}) * {matrix}.Stride;");
            }
        }
    }

    /// <summary>A worker's part of an operation, and how it gets it.</summary>
    private static (string From, string To, string? Division) Rows(Operation operation) => operation.Unit == WorkUnit.Neuron
        ? ("fromNeuron", "toNeuron", "_scratch.Neurons(worker)")
        : ($"from{operation.Writes.Name}", $"to{operation.Writes.Name}", $"WorkerGroup.Slice({Width(operation.Writes)}, Workers.Count, worker, 4)");

    private static string Width(Slot slot) => slot.Width!.IsNumber ? $"{slot.Name}Width" : slot.Width.Name;

    private static string Padded(Slot slot) => slot.Width is null ? "PaddedHidden"
        : slot.Width!.IsNumber ? $"Padded{slot.Name}Width"
        : $"Padded{slot.Width.Name}";
}
