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
        [.. SignBitPlan.Tested(plan.Shape).SelectMany(matrix => SignBitPlan.HasBiases(plan.Shape)
            ? new DerivedField[] { new PackedSigns(matrix), new RowMeans(matrix) }
            : [new PackedSigns(matrix)])];

    public override IReadOnlyList<TokenData> Reads(IlgpuFeedForwardPlan plan) => [Input(plan)];

    private static TokenData Input(IlgpuFeedForwardPlan plan) => SignBitPlan.HasBiases(plan.Shape) ? new InputSignsAndSum() : new InputSigns();

    public override IEnumerable<string> Constants(IlgpuFeedForwardPlan plan) =>
        [$"private const int SignWords = {plan.SignWords}; // 16-byte words of a row's signs"];

    /// <summary>Where biases vote, signs come with a sum, which norms have no part in: a warp makes both.</summary>
    public override DeviceKernel? Input(CodeWriter code, IlgpuFeedForwardPlan plan) => !SignBitPlan.HasBiases(plan.Shape) ? null : new DeviceKernel(
        "PackSignsAndSum",
        RowPlan.Lanes,
        "Packs the signs of an input, four bits a lane, and adds up its absolute values, in the CPU's order. A warp a token.",
        [KernelParameter.Quads("x"), new(Input(plan).Type, Input(plan).Name)],
        () => EmitPack(code, plan));

    private static void EmitPack(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        int quads = plan.Row.Columns / 4;
        int rowWords = 4 * Input(plan).Length(plan.Hidden);
        code.Lines($"""
            int lane = Group.IdxX;
            ArrayView<uint> words = {Input(plan).Name}.Cast<uint>();
            float a = 0f, b = 0f, c = 0f, d = 0f;
            """);
        bool isOnce = plan.SignWords == 1;
        using (isOnce ? default(CodeWriter.Scope?) : code.Block("for (int step = 0; step < SignWords; step++)"))
        {
            code.Line(isOnce ? "int quad = lane;" : "int quad = (step * 32) + lane;");
            string load = $"x[(Grid.IdxX * {quads}) + quad];";
            if (quads == plan.SignWords * RowPlan.Lanes)
            {
                code.Line($"Float4 values = {load}");
            }
            else
            {
                code.Line("Float4 values = default;");
                using (code.Block($"if (quad < {quads})"))
                {
                    code.Line($"values = {load}");
                }

                code.Line();
            }

            code.Lines("""
                a += MathF.Abs(values.X);
                b += MathF.Abs(values.Y);
                c += MathF.Abs(values.Z);
                d += MathF.Abs(values.W);
                uint signs = Lanes.Signs(values, lane);
                """);
            using (code.Block("if ((lane & 7) == 0)"))
            {
                code.Line($"words[(Grid.IdxX * {rowWords}) + (quad / 8)] = signs;");
            }
        }

        code.Line();
        code.Line("float sum = Lanes.Sum((a + b) + (c + d));");
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"{Input(plan).Name}.Cast<float>()[(Grid.IdxX * {rowWords}) + {4 * plan.SignWords}] = sum;");
        }
    }

    public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        code.Line($"// Predict: {PredictionText}, four neurons at a time.");
        for (int step = 0; step < plan.SignSteps; step++)
        {
            BitCode.EmitLoad(code, plan, $"sign{step}", Input(plan).Name, step, row: null);
        }

        bool hasBiases = SignBitPlan.HasBiases(plan.Shape);
        if (hasBiases)
        {
            code.Line($"float inputSum = {Input(plan).Name}.Cast<float>()[{4 * plan.SignWords}];");
            EmitAgreeing(code, plan);
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
                string bit = isOnce ? $"{1 << k}u" : $"1u << {(k == 0 ? "n" : $"(n + {k})")}";
                if (hasBiases)
                {
                    code.Line($"int neuron{k} = {BitCode.Neuron(plan.IsExact, isOnce, k)};");
                    string isOutvoted = string.Join(" || ", matrices.Select(matrix => EmitAgainst(code, matrix, $"{k}", $"neuron{k}")));
                    code.Line($"kept |= {isOutvoted} ? 0u : {bit};");
                    continue;
                }

                string test = string.Join(" && ", matrices.Select(matrix => $"{Count(matrix, k)} <= threshold"));
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

        bool hasBiases = SignBitPlan.HasBiases(plan.Single.Shape);
        if (hasBiases)
        {
            int rowWords = 4 * Input(plan.Single).Length(plan.Single.Hidden);
            code.Line("int sumOfToken = token < tokens ? token : tokens - 1;");
            code.Line($"float inputSum = {Input(plan.Single).Name}.Cast<float>()[(sumOfToken * {rowWords}) + {4 * plan.Single.SignWords}];");
            EmitAgreeing(code, plan.Single);
        }

        foreach (string pair in new[] { "AB", "CD" })
        {
            if (hasBiases)
            {
                string neuron = pair == "AB" ? "firstOfWarp + n + own" : "firstOfWarp + n + 2 + own";
                code.Line($"int voted{pair} = {neuron} < Intermediate ? {neuron} : Intermediate - 1;");
                foreach (string matrix in matrices)
                {
                    string isOutvoted = EmitAgainst(code, matrix, pair, $"voted{pair}");
                    code.Line($"uint {matrix.ToLowerInvariant()}Wants{pair} = {isOutvoted} ? 0u : 1u;");
                }

                string wants = string.Join(" & ", matrices.Select(matrix => $"{matrix.ToLowerInvariant()}Wants{pair}"));
                code.Line($"uint wants{pair} = token < tokens ? {wants} : 0u;");
                continue;
            }

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
                string stride = SignBitPlan.HasBiases(plan.Shape) ? $"{Input(plan).Length(plan.Hidden)}" : "SignWords";
                BitCode.EmitLoad(code, plan, sign, Input(plan).Name, step, token == 0 ? null : $"((tokens > {token} ? {token} : tokens - 1) * {stride})");
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

    private static void EmitAgreeing(CodeWriter code, IlgpuFeedForwardPlan plan) =>
        code.Line($"float agreeing = {plan.Hidden} - threshold; // the fewest signs that have to");

    /// <summary>Writes what a row's signs weigh against it.</summary>
    /// <param name="which">What its count has behind its name.</param>
    /// <returns>Condition under which that outweighs its bias.</returns>
    private static string EmitAgainst(CodeWriter code, string matrix, string which, string neuron)
    {
        string against = $"{matrix.ToLowerInvariant()}Against{which}";
        code.Line($"float {against} = {SignBitPlan.Against(matrix, Count(matrix) + which, neuron)};");
        return SignBitPlan.IsOutvoted(matrix, against, neuron);
    }

    private static string Count(string matrix) => $"{matrix.ToLowerInvariant()}Disagreeing";

    private static string Count(string matrix, int k) => $"{Count(matrix)}{k}";

    private static string Words(string matrix, int step, int k) => $"{matrix.ToLowerInvariant()}Words{step}_{k}";
}
