using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes gate, activation and up of the fused kernel: a row for a warp, the source's neurons in equal shares.</summary>
internal sealed class FusedNeurons(
    CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy, NeuronSource source, NeuronValues values, bool normsNeurons)
{
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
        code.Line("int read = 0;");
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
            code.Line($"read += {plan.Shape.InputMatrices};");
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
            source.EmitRead(IsDRelu ? $"({plan.Shape.InputMatrices} - isInactive)" : $"{plan.Shape.InputMatrices}");
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
            code.Line($"int slot = (({(plan.OfExperts ? "((Grid.IdxY * Slices) + Grid.IdxX)" : "Grid.IdxX")} * Warps) + warp) * 4;");
            code.Line("counts[slot] = counts[slot] + inactive;");
            source.EmitCounts();
            code.Line("counts[slot + 3] = counts[slot + 3] + read;");
        }

        code.Line();
    }
}
