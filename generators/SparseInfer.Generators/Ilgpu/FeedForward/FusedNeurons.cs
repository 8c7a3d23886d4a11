using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes gate, activation and up of the fused kernel: a row for a warp, the source's neurons in equal shares.</summary>
/// <param name="countsDown">Whether rows of down are counted for themselves: where they have another size.</param>
internal sealed class FusedNeurons(
    CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy, NeuronSource source, NeuronValues values, bool normsNeurons, bool countsDown)
{
    private const string Read = "read";
    private const string ReadOfDown = "readOfDown";

    /// <summary>Rows of a neuron after its first, down's among them where that is not counted for itself.</summary>
    private int LaterRows => plan.Shape.InputMatrices - (countsDown ? 1 : 0);

    private bool IsDRelu => plan.Spec.Activation == Activation.DRelu;

    /// <summary>A neuron's value, where its row of up is read.</summary>
    private string Value => plan.Spec.Gated ? "product" : "activation";

    private string Factor => NeuronCode.UpFactor(plan);

    public void Emit()
    {
        string first = plan.Shape.First;
        string gate = first.ToLowerInvariant();
        code.Line($"// {NeuronCode.Phases(plan)}: a row for a warp.");
        code.Lines(source.IsWhole
            ? """
                int from = warp * (SliceNeurons / Warps);
                int to = from + (SliceNeurons / Warps);
                """
            : """
                int share = (count + Warps - 1) / Warps;
                int from = warp * share;
                int to = from + share < count ? from + share : count;
                """);
        values.EmitWarpStart();
        code.Line("int inactive = 0;");
        source.EmitCounters();
        code.Line($"int {Read} = 0;");
        if (countsDown)
        {
            code.Line($"int {ReadOfDown} = 0;");
        }

        using (code.Block("for (int n = from; n < to; n++)"))
        {
            source.EmitNeuron();
            if (plan.Shape.NeedsAllGates)
            {
                code.Line($"float activation = Activate({CutKernels.Above(plan, "gates[neuron]", "0")});");
            }
            else
            {
                EmitDot(gate, first);
                code.Line($"float activation = Activate({gate}{NeuronCode.Bias(plan, first)});");
            }

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
        values.EmitEnd();
        EmitCounts();
        values.EmitWait();
    }

    private void EmitDot(string name, string matrix) =>
        WarpCode.EmitDot(code, plan.Row, name, $"w.{matrix}", $"w.{matrix}Scales", "neuron", plan.SharesInput ? "input" : "x", plan.SharesInput);

    /// <summary>Dense: up of every neuron; the value is zero where the activation is.</summary>
    private void EmitAlways()
    {
        if (plan.Spec.Gated)
        {
            EmitDot("up", "Up");
            code.Line($"float product = activation == 0f ? 0f : activation * {Factor};");
        }

        EmitValue();
        code.Line();
        using (code.Block("if (TMeter.IsOn)"))
        {
            code.Line($"inactive += {Inactive} ? 1 : 0;");
            EmitRows((LaterRows, Read), (countsDown ? 1 : 0, ReadOfDown));
        }
    }

    private void EmitRows(params (int Rows, string Counter)[] read)
    {
        foreach ((int rows, string counter) in read.Where(counted => counted.Rows > 0))
        {
            code.Line($"{counter} += {rows};");
        }
    }

    private void EmitValue() => values.Emit(normsNeurons ? NeuronNorm.Emit(code, Value) : Value);

    /// <summary>What counts as inactive: with dReLU either factor.</summary>
    private string Inactive => IsDRelu ? $"activation == 0f || {Factor} == 0f"
        : plan.Shape.HasZeros ? "activation == 0f"
        : $"{Value} == 0f";

    /// <summary>Up of the neurons whose activation the policy keeps.</summary>
    private void EmitKept()
    {
        code.Line("int isInactive = 1;");
        using (code.Block($"if ({policy.Keep("activation", "neuron")})"))
        {
            if (plan.Spec.Gated)
            {
                EmitDot("up", "Up");
                code.Line($"float product = activation * {Factor};");
            }

            // Rows of this neuron after its first: up, and down unless up ended it.
            code.Line($"isInactive = {(IsDRelu ? $"{Factor} == 0f ? 1 : 0" : "0")};");
            if (!countsDown)
            {
                source.EmitRead(IsDRelu ? $"({LaterRows} - isInactive)" : $"{LaterRows}", Read);
            }
            else
            {
                if (LaterRows > 0)
                {
                    source.EmitRead($"{LaterRows}", Read);
                }

                source.EmitRead(IsDRelu ? "(1 - isInactive)" : "1", ReadOfDown);
            }

            using (code.Block($"if ({source.UnlessJudged}{Value} != 0f)"))
            {
                EmitValue();
            }
        }

        code.Line();
        code.Line("inactive += isInactive;");
        source.EmitJudgement();
    }

    private void EmitCounts()
    {
        using (code.Block("if (TMeter.IsOn && lane == 0)"))
        {
            code.Line($"int slot = (({(plan.OfExperts ? "((Grid.IdxY * Slices) + Grid.IdxX)" : "Grid.IdxX")} * Warps) + warp) * {(countsDown ? 5 : 4)};");
            code.Line("counts[slot] = counts[slot] + inactive;");
            source.EmitCounts();
            code.Line($"counts[slot + 3] = counts[slot + 3] + {Read};");
            if (countsDown)
            {
                code.Line($"counts[slot + 4] = counts[slot + 4] + {ReadOfDown};");
            }
        }

        code.Line();
    }
}
