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
internal sealed class FusedKernel(CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy)
{
    private readonly RowPlan _row = plan.Row;
    private readonly bool _predicts = policy.Signs(plan).Count > 0;
    private readonly BlockDown _blockDown = new(code, plan, readsZeros: !policy.Skips);
    private readonly string _input = plan.SharesInput ? "input" : "x";

    /// <summary>What a kernel is called where it is launched.</summary>
    public static string Name(IlgpuKernelEmitter policy, bool metered) => policy.Name + (metered ? "Metered" : "");

    /// <summary>The method with its type argument.</summary>
    public static string Method(IlgpuKernelEmitter policy, bool metered) => $"{policy.Name}<{(metered ? "MeterOn" : "MeterOff")}>";

    /// <summary>The kernel's parameters: type and name.</summary>
    public static IEnumerable<(string Type, string Name)> Parameters(IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy)
    {
        yield return ("Weights", "w");
        yield return ("ArrayView<Float4>", "x");
        if (policy.Signs(plan).Count > 0)
        {
            yield return ("ArrayView<Words4>", "signs");
        }

        yield return ("ArrayView<Float4>", "partial");
        yield return ("ArrayView<int>", "counts");
        foreach (PolicyParameter parameter in policy.Parameters)
        {
            yield return (parameter.Type, parameter.Name);
        }
    }

    public void Emit()
    {
        code.Summary(policy.Summary(plan));
        string parameters = string.Join(", ", Parameters(plan, policy).Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (code.Block($"internal static void {policy.Name}<TMeter>({parameters})\n    where TMeter : struct, IMeter"))
        {
            EmitStart();
            if (_predicts)
            {
                EmitPrediction();
            }
            else
            {
                if (!IsWhole)
                {
                    code.Line("int count = first + SliceNeurons < Intermediate ? SliceNeurons : Intermediate - first;");
                }

                bool waits = plan.SharesInput || KeepsZeros;
                if (waits)
                {
                    code.Line("Group.Barrier();");
                }

                if (waits || !IsWhole)
                {
                    code.Line();
                }
            }

            EmitNeurons();
            EmitDown();
        }
    }

    private void EmitStart()
    {
        if (plan.SharesInput)
        {
            WarpCode.EmitInput(code, _row);
        }

        if (_row.IsBlock ? _predicts : policy.Skips)
        {
            code.Line("ArrayView<uint> bits = SharedMemory.Allocate<uint>(Warps);");
            code.Line("ArrayView<int> neurons = SharedMemory.Allocate<int>(SliceNeurons);");
        }

        code.Line("ArrayView<float> values = SharedMemory.Allocate<float>(SliceNeurons);");
        if (_row.IsBlock)
        {
            _blockDown.EmitShared();
        }

        code.Lines(WarpCode.Place);
        code.Line("int first = Grid.IdxX * SliceNeurons;");
        code.Line();
        if (plan.SharesInput)
        {
            code.Line("// The input, where the lanes of a warp read it without bank conflicts.");
            WarpCode.EmitStage(code, _row, plan.Threads);
            code.Line();
        }

        if (KeepsZeros)
        {
            using (plan.SliceNeurons == plan.Threads ? default(CodeWriter.Scope?) : code.Block("if (thread < SliceNeurons)"))
            {
                code.Line("values[thread] = 0f;");
            }

            code.Line();
        }
    }

    private void EmitPrediction()
    {
        code.Line("int firstOfWarp = first + (warp * WarpNeurons);");
        code.Line("uint kept = 0u;");
        policy.EmitSelect(code, plan);
        code.Line();
        NeuronCode.EmitInside(code, plan.IsExact, plan.WarpNeurons, "WarpNeurons");
        if (!plan.IsExact)
        {
            code.Line("kept &= inside;");
        }

        code.Line();
        code.Line("// What is left becomes a list, in ascending order; a meter lists all, the others as complements.");
        code.Line("uint listed = TMeter.IsOn ? inside : kept;");
        NeuronCode.EmitCompaction(code, "listed", "count", "place", "Warps");
        using (code.Block("if (((listed >> lane) & 1u) != 0u)"))
        {
            code.Line("int number = firstOfWarp + lane;");
            code.Line($"neurons[place + {NeuronCode.Before("listed")}] = TMeter.IsOn && ((kept >> lane) & 1u) == 0u ? ~number : number;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    /// <summary>Gate, activation and up: a row for a warp, the slice's neurons in equal shares.</summary>
    private void EmitNeurons()
    {
        string first = plan.Shape.First;
        string gate = first.ToLowerInvariant();
        code.Line($"// {(plan.Spec.Gated ? "Gate, activation, up" : "Up and activation")}: a row for a warp.");
        code.Lines(IsWhole
            ? """
                int from = warp * (SliceNeurons / Warps);
                int to = from + (SliceNeurons / Warps);
                """
            : """
                int share = (count + Warps - 1) / Warps;
                int from = warp * share;
                int to = from + share < count ? from + share : count;
                """);
        if (HasList)
        {
            code.Lines("""
                uint active = 0u;
                float mine = 0f;
                """);
        }

        code.Line("int inactive = 0;");
        if (_predicts)
        {
            code.Line("int predicted = 0;");
            code.Line("int both = 0;");
        }

        code.Line("int read = 0;");
        using (code.Block("for (int n = from; n < to; n++)"))
        {
            if (_predicts)
            {
                code.Line("int entry = neurons[n];");
                code.Line("int isPredicted = TMeter.IsOn && entry < 0 ? 1 : 0;");
                code.Line("int neuron = isPredicted != 0 ? ~entry : entry;");
            }
            else
            {
                code.Line("int neuron = first + n;");
            }

            WarpCode.EmitDot(code, _row, gate, $"w.{first}", $"w.{first}Scales", "neuron", _input, plan.SharesInput);
            code.Line($"float activation = Activate({gate}{NeuronCode.Bias(plan, first)});");
            if (policy.Skips)
            {
                EmitKept();
            }
            else
            {
                EmitAlways();
            }
        }

        code.Line();
        if (HasList)
        {
            EmitActiveList();
        }

        EmitCounts();
        if (!HasList)
        {
            code.Line("Group.Barrier();");
            code.Line();
        }
    }

    /// <summary>Whether what is not zero becomes a list. Down of the block types goes by blocks of neurons instead, zeros among them.</summary>
    private bool HasList => policy.Skips && !_row.IsBlock;

    /// <summary>Whether the values of neurons that are skipped are read, and so have to be zero.</summary>
    private bool KeepsZeros => policy.Skips && _row.IsBlock;

    private string Factor => NeuronCode.UpFactor(plan);

    private void EmitUp() => WarpCode.EmitDot(code, _row, "up", "w.Up", "w.UpScales", "neuron", _input, plan.SharesInput);

    /// <summary>Dense: up of every neuron; the value is zero where the activation is.</summary>
    private void EmitAlways()
    {
        string value = "activation";
        if (plan.Spec.Gated)
        {
            EmitUp();
            code.Line($"float product = activation == 0f ? 0f : activation * {Factor};");
            value = "product";
        }

        using (code.Block("if (lane == 0)"))
        {
            code.Line($"values[n] = {value};");
        }

        code.Line();
        using (code.Block("if (TMeter.IsOn)"))
        {
            code.Line($"inactive += {Inactive(value)} ? 1 : 0;");
            code.Line($"read += {plan.Shape.InputMatrices};");
        }
    }

    /// <summary>What counts as inactive: with dReLU either factor.</summary>
    private string Inactive(string value) => plan.Spec.Activation == Activation.DRelu
        ? $"activation == 0f || {Factor} == 0f"
        : plan.Shape.HasZeros ? "activation == 0f" : $"{value} == 0f";

    private void EmitKept()
    {
        code.Line("int isInactive = 1;");
        using (code.Block($"if ({policy.Keep("activation")})"))
        {
            string value = "activation";
            if (plan.Spec.Gated)
            {
                EmitUp();
                code.Line($"float product = activation * {Factor};");
                value = "product";
            }

            // Rows of this neuron after its first: up, and down unless up ended it.
            bool doubtsUp = plan.Spec.Activation == Activation.DRelu;
            code.Line($"isInactive = {(doubtsUp ? $"{Factor} == 0f ? 1 : 0" : "0")};");
            string rows = doubtsUp ? $"({plan.Shape.InputMatrices} - isInactive)" : $"{plan.Shape.InputMatrices}";
            code.Line(!_predicts ? $"read += {rows};" : rows == "1" ? "read += 1 - isPredicted;" : $"read += (1 - isPredicted) * {rows};");
            using (code.Block($"if ({(_predicts ? "isPredicted == 0 && " : "")}{value} != 0f)"))
            {
                if (HasList)
                {
                    code.Line("active |= 1u << (n - from);");
                    code.Line($"mine = lane == n - from ? {value} : mine;");
                }
                else
                {
                    using (code.Block("if (lane == 0)"))
                    {
                        code.Line($"values[neuron - first] = {value};");
                    }
                }
            }
        }

        code.Line();
        code.Line("inactive += isInactive;");
        if (_predicts)
        {
            code.Line("predicted += isPredicted;");
            code.Line("both += isPredicted * isInactive;");
        }
    }

    /// <summary>Neurons that are not zero, in ascending order with their values: what down reads.</summary>
    private void EmitActiveList()
    {
        code.Line("// What is not zero becomes the list that down goes through, in ascending order.");
        if (_predicts)
        {
            code.Line("int own = 0;");
            using (code.Block("if (from + lane < to)"))
            {
                code.Line("own = neurons[from + lane];");
            }

            code.Line();
        }

        NeuronCode.EmitCompaction(code, "active", "rows", "rank", "Warps");
        using (code.Block("if (((active >> lane) & 1u) != 0u)"))
        {
            code.Line($"int entryOfLane = rank + {NeuronCode.Before("active")};");
            code.Line($"neurons[entryOfLane] = {(_predicts ? "own" : "first + from + lane")};");
            code.Line("values[entryOfLane] = mine;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    private void EmitCounts()
    {
        using (code.Block("if (TMeter.IsOn && lane == 0)"))
        {
            code.Line("int slot = ((Grid.IdxX * Warps) + warp) * 4;");
            code.Line("counts[slot] = counts[slot] + inactive;");
            if (_predicts)
            {
                code.Line("counts[slot + 1] = counts[slot + 1] + predicted;");
                code.Line("counts[slot + 2] = counts[slot + 2] + both;");
            }

            code.Line("counts[slot + 3] = counts[slot + 3] + read;");
        }

        code.Line();
    }

    /// <summary>Down: each thread its columns, the rows of the list in ascending order.</summary>
    private void EmitDown()
    {
        if (_row.IsBlock)
        {
            _blockDown.EmitRounding();
            _blockDown.EmitSum();
            return;
        }

        bool guarded = _row.Words < plan.Threads;
        code.Line("// Down: each thread its columns, in registers; four rows are under way together.");
        using (guarded ? code.Block("if (thread < RowWords)") : default(CodeWriter.Scope?))
        {
            ForSteps(step => code.Line($"Float4 {List(j => $"{Sum(step, j)} = default")};"), guard: false);
            EmitRowsOfList();
            code.Line();
            ForSteps(step =>
            {
                for (int j = 0; j < _row.Quads; j++)
                {
                    string offset = WarpCode.Plus((j * _row.Words) + (step * plan.Threads));
                    code.Line($"partial[(Grid.IdxX * HiddenQuads) + thread{offset}] = {Sum(step, j)};");
                }
            });
        }
    }

    private string Count => policy.Skips ? "rows" : IsWhole ? "SliceNeurons" : "count";

    /// <summary>Whether each group goes through all neurons of a slice, and no slice has fewer.</summary>
    private bool IsWhole => !_predicts && plan.IsExact;

    private string Neuron(string entry) => policy.Skips ? $"neurons[{entry}]" : $"(first + {entry})";

    private void EmitRowsOfList()
    {
        const int together = IlgpuFeedForwardPlan.DownRowsAtOnce;
        if (!policy.Skips && IsWhole && plan.SliceNeurons % together == 0)
        {
            using (code.Block($"for (int next = 0; next < SliceNeurons; next += {together})"))
            {
                EmitRows(together);
            }

            return;
        }

        code.Line("int next = 0;");
        using (code.Block($"for (; next + {together} <= {Count}; next += {together})"))
        {
            EmitRows(together);
        }

        code.Line();
        using (code.Block($"for (; next < {Count}; next++)"))
        {
            EmitRows(1);
        }
    }

    /// <summary>Writes what some rows of down add to the sums.</summary>
    private void EmitRows(int together)
    {
        for (int k = 0; k < together; k++)
        {
            string entry = k == 0 ? "next" : $"next + {k}";
            code.Line($"int row{k} = ({Neuron(entry)} * RowWords) + thread;");
            code.Line($"float value{k} = values[{entry}];");
        }

        ForSteps(step =>
        {
            for (int k = 0; k < together; k++)
            {
                code.Line($"Words4 down{step}_{k} = w.Down[row{k}{WarpCode.Plus(step * plan.Threads)}];");
            }

            for (int k = 0; k < together; k++)
            {
                code.Line($"{plan.Weights}.AddScaled(down{step}_{k}, value{k}, {List(j => $"ref {Sum(step, j)}")});");
            }
        });
    }

    /// <summary>Writes something for each step of down; the last step may be for some threads only.</summary>
    private void ForSteps(Action<int> emit, bool guard = true)
    {
        for (int step = 0; step < plan.DownSteps; step++)
        {
            int rest = _row.Words - (step * plan.Threads);
            using (guard && step > 0 && rest < plan.Threads ? code.Block($"if (thread < {rest})") : default(CodeWriter.Scope?))
            {
                emit(step);
            }
        }
    }

    private string List(Func<int, string> item) => string.Join(", ", Enumerable.Range(0, _row.Quads).Select(item));

    private static string Sum(int step, int j) => $"y{step}_{j}";
}
