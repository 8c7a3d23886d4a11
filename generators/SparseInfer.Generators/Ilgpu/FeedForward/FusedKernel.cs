using SparseInfer.Generators.Declare;
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

    public FusedKernel(CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy)
    {
        _code = code;
        _plan = plan;
        _policy = policy;
        _source = policy.Predicts ? new PredictedNeurons(code, plan, policy) : new AllNeurons(code, plan);
        _values = !policy.Skips ? new ValueOfEach(code, plan, _source)
            : plan.Row.IsBlock ? new ValuesAmongZeros(code, plan)
            : new ActiveList(code, _source);
        _blockDown = plan.Row.IsBlock ? new BlockDown(code, plan, readsZeros: !policy.Skips) : null;
    }

    /// <summary>What a kernel is called where it is launched.</summary>
    public static string Name(IlgpuKernelEmitter policy, bool metered) => policy.Name + (metered ? "Metered" : "");

    /// <summary>The method with its type argument.</summary>
    public static string Method(IlgpuKernelEmitter policy, bool metered) => $"{policy.Name}<{(metered ? "MeterOn" : "MeterOff")}>";

    /// <summary>The kernel's parameters: type and name.</summary>
    public static IEnumerable<(string Type, string Name)> Parameters(IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy)
    {
        yield return ("Weights", "w");
        yield return ("ArrayView<Float4>", "x");
        foreach (TokenData data in policy.Reads(plan))
        {
            yield return (data.Type, data.Name);
        }

        yield return ("ArrayView<Float4>", "partial");
        if (plan.NormsNeurons)
        {
            yield return (NeuronNorm.Squares.Type, NeuronNorm.Squares.Name);
        }

        yield return ("ArrayView<int>", "counts");
        foreach (PolicyParameter parameter in policy.Parameters)
        {
            yield return (parameter.Type, parameter.Name);
        }
    }

    public void Emit()
    {
        _code.Summary(_policy.Summary(_plan));
        string parameters = string.Join(", ", Parameters(_plan, _policy).Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (_code.Block($"internal static void {_policy.Name}<TMeter>({parameters})\n    where TMeter : struct, IMeter"))
        {
            EmitStart();
            _source.EmitChoice(waits: _plan.SharesInput || _values.HasZeros || ClearsActivations);
            new FusedNeurons(_code, _plan, _policy, _source, _values).Emit();
            if (_plan.NormsNeurons)
            {
                NeuronNorm.EmitSquares(_code, _plan);
            }

            if (_blockDown is not null)
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

    /// <summary>Whether some neurons of a slice whose squares are summed may be skipped, or not exist.</summary>
    private bool ClearsActivations => _plan.NormsNeurons && (_policy.Skips || !_plan.IsExact);

    private void EmitStart()
    {
        if (_plan.SharesInput)
        {
            WarpCode.EmitInput(_code, _plan.Row);
        }

        if (_source.HasList || _values.HasList)
        {
            _code.Line("ArrayView<uint> bits = SharedMemory.Allocate<uint>(Warps);");
            _code.Line("ArrayView<int> neurons = SharedMemory.Allocate<int>(SliceNeurons);");
        }

        _code.Line("ArrayView<float> values = SharedMemory.Allocate<float>(SliceNeurons);");
        if (_plan.NormsNeurons)
        {
            NeuronNorm.EmitShared(_code);
        }

        _blockDown?.EmitShared();
        _code.Lines(WarpCode.Place);
        _code.Line("int first = Grid.IdxX * SliceNeurons;");
        _code.Line();
        if (_plan.SharesInput)
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
