using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>
/// The sign-bit predictor on a GPU: a warp goes through a row of signs 16 bytes a lane, four rows at a time, so that four loads are under
/// way together.
/// </summary>
internal sealed class SignBitIlgpuKernel() : IlgpuKernelEmitter(SignBitPolicy.Kernel, SignBitPolicy.Threshold)
{
    public override string Summary(IlgpuFeedForwardPlan plan) => SignBitPlan.Summary(plan.Shape);

    public override bool Predicts => true;

    public override string PredictionText => "count the signs that disagree";

    public override IReadOnlyList<DerivedField> Derived(IlgpuFeedForwardPlan plan) =>
        [.. SignBitPlan.Tested(plan.Shape).Select(matrix => new PackedSigns(matrix))];

    public override IReadOnlyList<TokenData> Reads(IlgpuFeedForwardPlan plan) => [new InputSigns()];

    public override IEnumerable<string> Constants(IlgpuFeedForwardPlan plan) =>
        [$"private const int SignWords = {plan.SignWords}; // 16-byte words of a row's signs"];

    public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        code.Line($"// Predict: {PredictionText}, four neurons at a time.");
        for (int step = 0; step < plan.SignSteps; step++)
        {
            BitCode.EmitLoad(code, plan, $"sign{step}", "signs", step, row: null);
        }

        bool isOnce = plan.WarpNeurons == IlgpuFeedForwardPlan.PredictedAtOnce;
        string loop = $"for (int n = 0; n < WarpNeurons; n += {IlgpuFeedForwardPlan.PredictedAtOnce})";
        using (isOnce ? default(CodeWriter.Scope?) : code.Block(loop))
        {
            BitCode.EmitRows(code, plan.IsExact, isOnce);
            IReadOnlyList<string> matrices = SignBitPlan.Tested(plan.Shape);
            foreach (string matrix in matrices)
            {
                EmitCounts(code, plan, matrix);
            }

            for (int k = 0; k < IlgpuFeedForwardPlan.PredictedAtOnce; k++)
            {
                string test = string.Join(" && ", matrices.Select(matrix => $"{Count(matrix, k)} <= threshold"));
                string bit = isOnce ? $"{1 << k}u" : $"1u << {(k == 0 ? "n" : $"(n + {k})")}";
                code.Line($"kept |= {test} ? {bit} : 0u;");
            }
        }
    }

    public override void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
    {
        BitCode.EmitRows(code, plan.IsExact, isOnce: false);
        IReadOnlyList<string> matrices = SignBitPlan.Tested(plan.Single.Shape);
        foreach (string matrix in matrices)
        {
            EmitCountsTogether(code, plan.Single, matrix);
        }

        foreach (string pair in new[] { "AB", "CD" })
        {
            string test = string.Join(" && ", matrices.Select(matrix => $"{Count(matrix)}{pair} <= threshold"));
            code.Line($"uint wants{pair} = token < tokens && {test} ? 1u : 0u;");
        }
    }

    private static IEnumerable<int> Predicted => Enumerable.Range(0, IlgpuFeedForwardPlan.PredictedAtOnce);

    /// <summary>Writes the counts of all tokens: rows are loaded once, and each meets every token's signs. A token too many has the last one's.</summary>
    private static void EmitCountsTogether(CodeWriter code, IlgpuFeedForwardPlan plan, string matrix)
    {
        string counts = Count(matrix);
        TogetherCode.EmitStart(code, "Int4", counts);
        for (int step = 0; step < plan.SignSteps; step++)
        {
            foreach (int k in Predicted)
            {
                BitCode.EmitLoad(code, plan, Words(matrix, step, k), $"w.{matrix}Signs", step, $"signRow{k}");
            }

            string rows = string.Join(", ", Predicted.Select(k => Words(matrix, step, k)));
            TogetherCode.ForTokens(code, token =>
            {
                string sign = $"{matrix.ToLowerInvariant()}Sign{step}_{token}";
                BitCode.EmitLoad(code, plan, sign, "signs", step, token == 0 ? null : $"((tokens > {token} ? {token} : tokens - 1) * SignWords)");
                code.Line($"{counts}{token} = Signs.Disagreeing({sign}, {rows}, {counts}{token});");
            });
            code.Line();
        }

        TogetherCode.EmitSums(code, "int", counts, counts);
    }

    private static void EmitCounts(CodeWriter code, IlgpuFeedForwardPlan plan, string matrix)
    {
        for (int k = 0; k < IlgpuFeedForwardPlan.PredictedAtOnce; k++)
        {
            code.Line($"int {Count(matrix, k)} = 0;");
        }

        for (int step = 0; step < plan.SignSteps; step++)
        {
            for (int k = 0; k < IlgpuFeedForwardPlan.PredictedAtOnce; k++)
            {
                BitCode.EmitLoad(code, plan, Words(matrix, step, k), $"w.{matrix}Signs", step, $"signRow{k}");
            }

            for (int k = 0; k < IlgpuFeedForwardPlan.PredictedAtOnce; k++)
            {
                string words = Words(matrix, step, k);
                string count = Count(matrix, k);
                string Term(char part) => $"IntrinsicMath.PopCount(sign{step}.{part} ^ {words}.{part})";
                code.Line($"{count} += {Term('X')} + {Term('Y')};");
                code.Line($"{count} += {Term('Z')} + {Term('W')};");
            }
        }

        string counts = string.Join(", ", Enumerable.Range(0, IlgpuFeedForwardPlan.PredictedAtOnce).Select(k => $"ref {Count(matrix, k)}"));
        code.Line($"Lanes.SumFour({counts});");
    }

    private static string Count(string matrix) => $"{matrix.ToLowerInvariant()}Disagreeing";

    private static string Count(string matrix, int k) => $"{Count(matrix)}{k}";

    private static string Words(string matrix, int step, int k) => $"{matrix.ToLowerInvariant()}Words{step}_{k}";
}
