using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

internal sealed class DenseCpuKernel() : CpuKernelEmitter("Dense")
{
    public override void EmitKernel(CodeWriter code, FeedForwardPlan plan)
    {
        code.Summary("Computes every neuron: the reference that the other modes are compared with.");
        code.Line(GeneratedAttributes.Hot);
        using (code.Block(Signature(plan)))
        using (RowGroup.ForTokens(code))
        {
            if (RowGroup.PreparesInput(plan))
            {
                code.Line("ref float x = ref slot.Input;");
                RowGroup.EmitInput(code, plan);
            }
            else if (RowGroup.NeedsInput(plan))
            {
                RowGroup.EmitPreparedInput(code);
            }

            if (plan.NeedsAllGates)
            {
                code.Line("ref float gates = ref slot.Gates;");
            }

            RowGroup.EmitList(code, "0");
            code.Line();
            using (code.Block("for (int i0 = from; i0 < to; i0 += 4)"))
            {
                RowGroup.EmitContiguous(code, "to");
                string follows = plan.Spec.Gated ? RowGroup.Rows("Up") : RowGroup.NextRows("Up", plan);
                if (plan.NeedsAllGates)
                {
                    RowGroup.EmitAboveCut(code, plan.First.ToLowerInvariant());
                }
                else
                {
                    RowGroup.EmitDot(code, plan, plan.First, plan.First.ToLowerInvariant(), RowGroup.Rows(plan.First), follows);
                }

                if (plan.Spec.Gated)
                {
                    string next = plan.NeedsAllGates ? "Up" : "Gate";
                    RowGroup.EmitDot(code, plan, "Up", "up", RowGroup.Rows("Up"), RowGroup.NextRows(next, plan));
                }

                code.Line();
                for (int lane = 0; lane < 4; lane++)
                {
                    string up = $"up.GetElement({lane})";
                    string neuron = plan.Spec.Gated ? $"Neuron(gate.GetElement({lane}), {up})" : $"Activate({up})";
                    string place = lane == 0 ? "count" : $"count + {lane}";
                    code.Line($"Unsafe.Add(ref active, {place}) = i{lane};");
                    code.Line($"Unsafe.Add(ref value, {place}) = {neuron};");
                }

                code.Line("count += 4;");
            }

            code.Line();
            code.Line("// The last group may have run past the end; the list's padding took what it wrote.");
            code.Line("slot.Count = to - from;");
            code.Line();
            using (code.Block("if (TMeter.IsOn)"))
            {
                code.Line("tally.Neurons += to - from;");
                code.Line(plan.HasSeveralDowns
                    ? $"tally.Bytes += (to - from) * (({plan.InputMatrices} * RowBytes) + w.DownBytes);"
                    : "tally.Bytes += (to - from) * NeuronBytes;");
                code.Line(plan.NeedsAllGates ? "tally.Inactive += to - from - CountActive(ref gates, to - from, slot.Cut);"
                    : plan.HasZeros ? "tally.Inactive += to - from - CountActive(w, ref prepared, undo, from, to);"
                    : "tally.Inactive += slot.ActiveValues.Count(0f);");
            }
        }
    }
}
