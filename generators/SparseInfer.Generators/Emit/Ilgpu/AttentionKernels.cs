using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>Attention: each head's cached positions in splits of fixed length, then the splits together. Both for one token or a batch.</summary>
internal sealed class AttentionKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    private const int Split = IlgpuDecoderPlan.SplitPositions;
    private const int Warps = IlgpuDecoderPlan.AttentionWarps;

    private readonly AttentionSpec _attention = plan.Spec.Attention;

    private int Size => _attention.HeadDimension;

    public DeviceKernel Part() => new(
        "AttendPart",
        $"One head, one token, up to {Split} positions: softmax within them, and the values so weighted.",
        [
            KernelParameter.Floats("queries"), KernelParameter.Floats("keys"), KernelParameter.Floats("values"), KernelParameter.Int("capacity"),
            KernelParameter.Int("start"), KernelParameter.Floats("parts"), KernelParameter.Floats("most"), KernelParameter.Floats("weight"),
        ],
        () =>
        {
            code.Lines($"""
                ArrayView<float> scores = SharedMemory.Allocate<float>({Split});
                ArrayView<float> sums = SharedMemory.Allocate<float>({Warps * Size});
                """);
            code.Lines(WarpCode.Place);
            code.Lines($"""
                int head = Grid.IdxX;
                int token = Grid.IdxZ;
                int begin = Grid.IdxY * {Split};
                int positions = start + token + 1;
                """);
            using (code.Block("if (begin < positions)"))
            {
                code.Line($"int count = positions - begin < {Split} ? positions - begin : {Split};");
                code.Line($"long cached = (((long)(head / {_attention.Heads / _attention.KeyValueHeads}) * capacity) + begin) * {Size};");
                EmitScores();
                EmitWeights();
                EmitValues();
            }
        });

    public DeviceKernel Join() => new(
        "AttendJoin",
        "Puts the splits of one head and token together.",
        [
            KernelParameter.Floats("parts"), KernelParameter.Floats("most"), KernelParameter.Floats("weight"), KernelParameter.Int("start"),
            KernelParameter.Int("splits"), KernelParameter.Floats("attended"),
        ],
        () =>
        {
            code.Lines($"""
                int head = Grid.IdxX;
                int token = Grid.IdxY;
                int first = ((token * {_attention.Heads}) + head) * splits;
                int used = (start + token + {Split}) / {Split};
                float highest = most[first];
                """);
            using (code.Block("for (int split = 1; split < used; split++)"))
            {
                code.Line("highest = MathF.Max(highest, most[first + split]);");
            }

            code.Line();
            code.Line("float total = 0f;");
            using (code.Block("for (int split = 0; split < used; split++)"))
            {
                code.Line("total += weight[first + split] * Portable.Exp(most[first + split] - highest);");
            }

            code.Line();
            using (code.Block($"for (int d = Group.IdxX; d < {Size}; d += {IlgpuDecoderPlan.AttentionThreads})"))
            {
                code.Line("float sum = 0f;");
                using (code.Block("for (int split = 0; split < used; split++)"))
                {
                    code.Line($"sum += parts[((first + split) * {Size}) + d] * Portable.Exp(most[first + split] - highest);");
                }

                code.Line();
                code.Line($"attended[(token * {plan.Shape.PaddedQueryWidth}) + (head * {Size}) + d] = sum / total;");
            }
        });

    private void EmitScores()
    {
        code.Line();
        code.Line("// Scores: a position for a warp.");
        for (int j = 0; j < plan.HeadSteps; j++)
        {
            string query = $"queries[(token * {plan.Shape.PaddedQueryWidth}) + (head * {Size}) + lane{Plus(j)}] * {Literal.Of(Scale)}";
            if (IsWhole(j))
            {
                code.Line($"float query{j} = {query};");
                continue;
            }

            code.Line($"float query{j} = 0f;");
            using (code.Block($"if (lane < {Size - (32 * j)})"))
            {
                code.Line($"query{j} = {query};");
            }

            code.Line();
        }

        using (code.Block($"for (int p = warp; p < count; p += {Warps})"))
        {
            code.Line($"long key = cached + ((long)p * {Size}) + lane;");
            code.Line("float score = 0f;");
            ForElements(j => code.Line($"score += query{j} * keys[key{Plus(j)}];"));
            code.Line("score = Lanes.Sum(score);");
            using (code.Block("if (lane == 0)"))
            {
                code.Line("scores[p] = score;");
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
    }

    /// <summary>Every warp works out the same maximum and sum: cheaper than to tell each other.</summary>
    private void EmitWeights()
    {
        code.Line();
        code.Line("// Softmax: every warp works out the same maximum and the same sum.");
        code.Line("float highest = scores[lane < count ? lane : 0];");
        using (code.Block("for (int p = lane + 32; p < count; p += 32)"))
        {
            code.Line("highest = MathF.Max(highest, scores[p]);");
        }

        code.Line();
        code.Line("highest = Lanes.Max(highest);");
        code.Line("float total = 0f;");
        using (code.Block("for (int p = lane; p < count; p += 32)"))
        {
            code.Line("total += Portable.Exp(scores[p] - highest);");
        }

        code.Line();
        code.Line("total = Lanes.Sum(total);");
    }

    private void EmitValues()
    {
        code.Line();
        code.Line("// Values: a position for a warp, then the warps' sums in order.");
        for (int j = 0; j < plan.HeadSteps; j++)
        {
            code.Line($"float sum{j} = 0f;");
        }

        using (code.Block($"for (int p = warp; p < count; p += {Warps})"))
        {
            code.Line("float share = Portable.Exp(scores[p] - highest);");
            code.Line($"long value = cached + ((long)p * {Size}) + lane;");
            ForElements(j => code.Line($"sum{j} += share * values[value{Plus(j)}];"));
        }

        code.Line();
        ForElements(j => code.Line($"sums[(warp * {Size}) + lane{Plus(j)}] = sum{j};"));
        code.Line("Group.Barrier();");
        code.Line($"int slot = (((token * {_attention.Heads}) + head) * Grid.DimY) + Grid.IdxY;");
        using (code.Block($"for (int d = thread; d < {Size}; d += {IlgpuDecoderPlan.AttentionThreads})"))
        {
            string total = string.Join(" + ", Enumerable.Range(0, Warps).Select(other => $"sums[{(other == 0 ? "d" : $"{other * Size} + d")}]"));
            code.Line($"parts[(slot * {Size}) + d] = {total};");
        }

        code.Line();
        using (code.Block("if (thread == 0)"))
        {
            code.Line("most[slot] = highest;");
            code.Line("weight[slot] = total;");
        }
    }

    private float Scale => (float)(1 / Math.Sqrt(Size));

    private bool IsWhole(int j) => (32 * j) + 32 <= Size;

    private static string Plus(int j) => j == 0 ? "" : $" + {32 * j}";

    /// <summary>Writes something for each of a lane's elements of a head, inside a guard where not all lanes have it.</summary>
    private void ForElements(Action<int> emit)
    {
        for (int j = 0; j < plan.HeadSteps; j++)
        {
            using (IsWhole(j) ? default(CodeWriter.Scope?) : code.Block($"if (lane < {Size - (32 * j)})"))
            {
                emit(j);
            }
        }
    }
}
