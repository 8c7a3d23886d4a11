using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Writes the kernel of one skipping policy for one shape.</summary>
internal sealed class SkippingKernel(CodeWriter code, FeedForwardPlan plan, SkippingKernelEmitter policy)
{
    private bool DRelu => plan.Spec.Activation == Activation.DRelu;

    public void Emit()
    {
        code.Summary(policy.Summary(plan));
        code.Line(GeneratedAttributes.Hot);
        using (code.Block(policy.Signature(plan)))
        {
            using (RowGroup.ForTokens(code))
            {
                EmitInput();
            }

            code.Line();
            using (RowGroup.ForBlocks(code, plan))
            using (RowGroup.ForTokens(code))
            {
                EmitBlock();
            }
        }
    }

    private void EmitInput()
    {
        if (RowGroup.PreparesInput(plan))
        {
            code.Line("ref float x = ref slot.Input;");
        }

        policy.EmitInput(code, plan);
        if (RowGroup.PreparesInput(plan))
        {
            code.Line($"slot.Undo = {plan.Weights}.PrepareInput(ref x, ref slot.PreparedInput, PaddedHidden);");
        }

        code.Line("slot.Count = 0;");
    }

    /// <summary>A block's neurons for one token.</summary>
    private void EmitBlock()
    {
        if (RowGroup.NeedsInput(plan))
        {
            RowGroup.EmitPreparedInput(code);
        }

        if (plan.NeedsAllGates)
        {
            code.Line("ref float gates = ref slot.Gates;");
        }

        policy.EmitBlockInput(code, plan);
        RowGroup.EmitList(code, "slot.Count");
        code.Line("int first = count;");
        if (policy.Predicts)
        {
            code.Line("ref int candidate = ref slot.Candidates;");
            code.Line("int candidates = 0;");
            code.Line();
            policy.EmitSelect(code, plan);
            code.Line();
            code.Line("FeedForwardSlot.Pad(ref candidate, candidates);");
        }

        code.Line();
        EmitFirst();
        if (plan.Spec.Gated)
        {
            code.Line();
            EmitUp();
        }

        code.Line();
        EmitMeter();
        code.Line();
        code.Line("slot.Count = count;");
    }

    private void EmitFirst()
    {
        string name = plan.First.ToLowerInvariant();
        code.Line($"// {(plan.NeedsAllGates ? "Cut" : plan.First)} and activation; what is not skipped goes on the list, in ascending order.");
        string loop = policy.Predicts ? "for (int n = 0; n < candidates; n += 4)" : "for (int i0 = block; i0 < end; i0 += 4)";
        using (code.Block(loop))
        {
            if (policy.Predicts)
            {
                RowGroup.EmitListed(code, "candidate");
                RowGroup.EmitDot(
                    code, plan, plan.First, name, RowGroup.Listed(plan.First, "candidate"), RowGroup.NextListed(plan.First, "candidate", plan));
            }
            else if (plan.NeedsAllGates)
            {
                RowGroup.EmitContiguous(code, "end");
                RowGroup.EmitAboveCut(code, name);
            }
            else
            {
                RowGroup.EmitContiguous(code, "end");
                RowGroup.EmitDot(code, plan, plan.First, name, RowGroup.Rows(plan.First), RowGroup.NextRows(plan.First, plan));
            }

            for (int lane = 0; lane < 4; lane++)
            {
                string inside = lane == 0 ? "" : policy.Predicts ? $" && n + {lane} < candidates" : $" && i0 + {lane} < end";
                code.Line($"float a{lane} = Activate({name}.GetElement({lane}));");
                EmitAppend($"i{lane}", $"a{lane}", $"{policy.Keep($"a{lane}", $"i{lane}")}{inside}");
            }
        }
    }

    private void EmitUp()
    {
        code.Line(DRelu
            ? "// Up for what is left: dReLU's second factor may still end a neuron, so the list is closed up in place."
            : "// Up for what is left.");
        if (DRelu)
        {
            code.Line("int last = count;");
        }

        code.Line("FeedForwardSlot.Pad(ref active, count);");
        if (DRelu)
        {
            code.Line("count = first;");
        }

        using (code.Block($"for (int n = first; n < {(DRelu ? "last" : "count")}; n += 4)"))
        {
            if (DRelu || plan.Spec.Biases)
            {
                RowGroup.EmitListed(code, "active");
            }

            RowGroup.EmitDot(code, plan, "Up", "up", RowGroup.Listed("Up", "active"), RowGroup.NextListed("Up", "active", plan));
            code.Line("Vector128<float> a = Vector128.LoadUnsafe(ref value, (nuint)n);");
            if (!DRelu)
            {
                code.Line("(a * up).StoreUnsafe(ref value, (nuint)n);");
                return;
            }

            for (int lane = 0; lane < 4; lane++)
            {
                code.Line($"float u{lane} = Activate(up.GetElement({lane}));");
            }

            for (int lane = 0; lane < 4; lane++)
            {
                string inside = lane == 0 ? "" : $" && n + {lane} < last";
                EmitAppend($"i{lane}", $"a.GetElement({lane}) * u{lane}", $"u{lane} > 0f{inside}");
            }
        }
    }

    private void EmitAppend(string neuron, string value, string condition)
    {
        code.Line($"Unsafe.Add(ref active, count) = {neuron};");
        code.Line($"Unsafe.Add(ref value, count) = {value};");
        code.Line($"count += {condition} ? 1 : 0;");
    }

    /// <summary>Counts, and where a predictor skipped, computes the block once more to learn whether it was right.</summary>
    private void EmitMeter()
    {
        using (code.Block("if (TMeter.IsOn)"))
        {
            string read = policy.Predicts ? "candidates" : "neurons";
            string kept = DRelu ? "(last - first)" : "(count - first)";
            string rows = plan.Spec.Gated ? $"{read} + {kept}" : read;
            long predictor = policy.PredictorBytes(plan);
            code.Line("int neurons = end - block;");
            code.Line("tally.Neurons += neurons;");
            code.Line(plan.HasSeveralDowns
                ? $"tally.Bytes += (({rows}) * RowBytes) + ((count - first) * w.DownBytes);"
                : $"tally.Bytes += ({rows} + (count - first)) * RowBytes;");
            if (predictor > 0)
            {
                code.Line($"tally.Bytes += neurons * {predictor}L; // {policy.PredictorData}");
            }

            if (!policy.Predicts)
            {
                code.Line("tally.Inactive += neurons - (count - first);");
                return;
            }

            code.Line();
            string own = string.Concat(policy.OwnActiveParameters.Select(parameter => $", {parameter.Name}"));
            code.Line($"int trulyActive = {policy.OwnActive ?? "CountActive"}(w, ref prepared, undo, block, end{own});");
            code.Line("int missed = trulyActive - (count - first);");
            code.Line("tally.Inactive += neurons - trulyActive;");
            code.Line("tally.Predicted += neurons - candidates;");
            code.Line("tally.PredictedInactive += neurons - candidates - missed;");
        }
    }
}
