using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Writes the fused kernel of a policy: a group predicts its slice of the neurons, computes gate and up of what is left, and adds the rows
/// of down that remain, in ascending order, to a partial sum that it keeps in registers.
/// </summary>
/// <remarks>
/// A struct type argument says whether it counts what it skips, as in the CPU's kernels: a device's compiler leaves no trace of the counting
/// where it does not. With a meter, neurons that are predicted inactive are computed as well, to judge the predictor, and still left out of
/// the sum.
/// </remarks>
internal sealed class FusedKernel
{
    private readonly CodeWriter _code;
    private readonly IlgpuFeedForwardPlan _plan;
    private readonly IlgpuKernelEmitter _policy;
    private readonly NeuronSource _source;
    private readonly NeuronValues _values;
    private readonly BlockDown? _blockDown;

    private readonly bool _hasDown;

    /// <param name="hasDown">Whether down follows; else the activations are left for a launch that goes through rows of another weight type.</param>
    public FusedKernel(CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy, bool hasDown = true)
    {
        _code = code;
        _plan = plan;
        _policy = policy;
        _hasDown = hasDown;
        _source = policy.Predicts ? new PredictedNeurons(code, plan, policy) : new AllNeurons(code, plan);
        _values = !policy.Skips ? new ValueOfEach(code, plan, _source)
            : plan.Row.IsBlock || !hasDown ? new ValuesAmongZeros(code, plan)
            : new ActiveList(code, _source);
        _blockDown = plan.Row.IsBlock && hasDown ? new BlockDown(code, plan, readsZeros: !policy.Skips) : null;
    }

    /// <summary>What a kernel is called where it is launched.</summary>
    public static string Name(IlgpuKernelEmitter policy, bool metered, bool hasDown = true) => MethodName(policy, hasDown) + (metered ? "Metered" : "");

    /// <summary>The method with its type argument.</summary>
    public static string Method(IlgpuKernelEmitter policy, bool metered, bool hasDown = true) =>
        $"{MethodName(policy, hasDown)}<{(metered ? "MeterOn" : "MeterOff")}>";

    private static string MethodName(IlgpuKernelEmitter policy, bool hasDown) => policy.Name + (hasDown ? "" : "Activations");

    /// <summary>The kernel's parameters: type and name.</summary>
    public static IEnumerable<(string Type, string Name)> Parameters(IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy, bool hasDown = true)
    {
        yield return ("Weights", "w");
        if (plan.OfExperts)
        {
            yield return (ExpertCode.Chosen.Type, ExpertCode.Chosen.Name);
        }

        yield return ("ArrayView<Float4>", "x");
        if (plan.Shape.NeedsAllGates)
        {
            yield return (CutKernels.GatesParameter.Type, CutKernels.GatesParameter.Name);
            yield return (CutKernels.CutsParameter.Type, CutKernels.CutsParameter.Name);
        }

        foreach (TokenData data in policy.Reads(plan))
        {
            yield return (data.Type, data.Name);
        }

        foreach (Tensor vector in policy.Vectors(plan.Shape))
        {
            yield return ("ArrayView<float>", vector.Variable);
        }

        yield return hasDown ? ("ArrayView<Float4>", "partial") : ("ArrayView<float>", "activated");
        if (hasDown && plan.NormsNeurons)
        {
            yield return (NeuronNorm.Squares.Type, NeuronNorm.Squares.Name);
        }

        yield return ("ArrayView<int>", "counts");
        foreach (PolicyParameter parameter in policy.Parameters.Skip(policy.InputParameters))
        {
            yield return (parameter.Type, parameter.Name);
        }
    }

    public void Emit()
    {
        _code.Summary(_policy.Summary(_plan) + (_hasDown ? "" : " Down has another weight type, and a launch of its own."));
        string parameters = string.Join(", ", Parameters(_plan, _policy, _hasDown).Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (_code.Block($"internal static void {MethodName(_policy, _hasDown)}<TMeter>({parameters})\n    where TMeter : struct, IMeter"))
        {
            EmitStart();
            _source.EmitChoice(waits: StagesInput || _values.HasZeros || ClearsActivations);
            new FusedNeurons(_code, _plan, _policy, _source, _values, NormsNeurons, countsDown: !_hasDown).Emit();
            if (NormsNeurons)
            {
                NeuronNorm.EmitSquares(_code, _plan);
            }

            if (!_hasDown)
            {
                EmitActivations();
            }
            else if (_blockDown is not null)
            {
                _blockDown.EmitRounding();
                _blockDown.EmitSum();
            }
            else
            {
                new RowDown(_code, _plan, _values).Emit();
            }
        }
    }

    /// <summary>Whether rows are dotted with an input in shared memory: of a layer without a gate none are, where all gates are there before.</summary>
    private bool StagesInput => _plan.SharesInput && (_plan.Spec.Gated || !_plan.Shape.NeedsAllGates);

    /// <summary>Whether this kernel weighs neurons as a norm before down does: else the launch that has down does.</summary>
    private bool NormsNeurons => _plan.NormsNeurons && _hasDown;

    /// <summary>Whether some neurons of a slice whose squares are summed may be skipped, or not exist.</summary>
    private bool ClearsActivations => NormsNeurons && (_policy.Skips || !_plan.IsExact);

    /// <summary>Writes how a slice's values go to where down finds them.</summary>
    private void EmitActivations()
    {
        string[] inside =
        [
            .. _plan.SliceNeurons == _plan.Threads ? Array.Empty<string>() : ["thread < SliceNeurons"],
            .. _plan.IsExact ? Array.Empty<string>() : ["first + thread < Intermediate"],
        ];
        using (inside.Length == 0 ? default(CodeWriter.Scope?) : _code.Block($"if ({string.Join(" && ", inside)})"))
        {
            _code.Line("activated[first + thread] = values[thread];");
        }
    }

    private void EmitStart()
    {
        if (_plan.OfExperts)
        {
            ExpertCode.EmitStart(_code, _plan, _policy, _hasDown);
        }

        if (StagesInput)
        {
            WarpCode.EmitInput(_code, _plan.Row);
        }

        if (_source.HasList || _values.HasList)
        {
            _code.Line("ArrayView<uint> bits = SharedMemory.Allocate<uint>(Warps);");
            _code.Line("ArrayView<int> neurons = SharedMemory.Allocate<int>(SliceNeurons);");
        }

        _code.Line("ArrayView<float> values = SharedMemory.Allocate<float>(SliceNeurons);");
        if (NormsNeurons)
        {
            NeuronNorm.EmitShared(_code);
        }

        _blockDown?.EmitShared();
        _code.Lines(WarpCode.Place);
        _code.Line("int first = Grid.IdxX * SliceNeurons;");
        _code.Line();
        if (StagesInput)
        {
            _code.Line("// The input, where the lanes of a warp read it without bank conflicts.");
            WarpCode.EmitStage(_code, _plan.Row, _plan.Threads);
            _code.Line();
        }

        _values.EmitStart();
        if (ClearsActivations)
        {
            NeuronNorm.EmitStart(_code, _plan);
        }
    }
}
