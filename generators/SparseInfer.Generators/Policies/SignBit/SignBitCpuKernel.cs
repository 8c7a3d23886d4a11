using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>
/// XOR of the packed signs of the input and of a row, counted and compared: the predictor of SparseInfer (arXiv 2411.12692).
/// With dReLU either factor's signs may end a neuron.
/// </summary>
internal sealed class SignBitCpuKernel() : SkippingKernelEmitter(SignBitPolicy.Kernel, SignBitPolicy.Threshold)
{
    public override bool Predicts => true;

    public override string Summary(FeedForwardPlan plan) => SignBitPlan.Summary(plan.Shape);

    public override IEnumerable<string> Namespaces => ["System.Diagnostics", "System.Numerics"];

    public override string Keep(string activation) => $"{activation} > 0f";

    public override IEnumerable<PreparedField> Prepared(FeedForwardPlan plan) =>
        SignBitPlan.Tested(plan.Shape).SelectMany(matrix => SignBitPlan.HasBiases(plan.Shape)
            ? new[] { PreparedField.Signs(plan, matrix), Means(plan, matrix) }
            : [PreparedField.Signs(plan, matrix)]);

    // Where biases vote the input's sum follows its signs.
    public override int SideWords(FeedForwardPlan plan) => SignBitPlan.Of(plan.Hidden).Words + (SignBitPlan.HasBiases(plan.Shape) ? 1 : 0);

    public override string PlanText(FeedForwardPlan plan)
    {
        SignBitPlan signs = SignBitPlan.Of(plan.Hidden);
        return signs.InRegisters
            ? $"input signs in {Counted(signs.Words, "register")}"
            : $"signs of {signs.Words} words by vectors";
    }

    public override string PredictorData => "signs";

    public override long PredictorBytes(FeedForwardPlan plan) =>
        (SignBitPlan.Of(plan.Hidden).RowBytes + (SignBitPlan.HasBiases(plan.Shape) ? sizeof(float) : 0)) * SignBitPlan.Tested(plan.Shape).Length;

    public override void EmitInput(CodeWriter code, FeedForwardPlan plan)
    {
        EmitStamp(code, "-=");
        code.Line();
        code.Line("Signs.Pack(ref x, ref slot.Side, Hidden);");
        if (SignBitPlan.HasBiases(plan.Shape))
        {
            code.Line($"{InputSum(plan, "slot.Side")} = AbsoluteSums.Of(ref x, Hidden);");
        }

        code.Line();
        EmitStamp(code, "+=");
        code.Line();
    }

    public override void EmitBlockInput(CodeWriter code, FeedForwardPlan plan)
    {
        SignBitPlan signs = SignBitPlan.Of(plan.Hidden);
        code.Line("ref ulong signs = ref slot.Side;");
        if (SignBitPlan.HasBiases(plan.Shape))
        {
            code.Line($"float inputSum = {InputSum(plan, "signs")};");
            code.Line("float agreeing = Hidden - threshold; // the fewest signs that have to");
        }

        if (signs.InRegisters)
        {
            code.Line($"ulong {string.Join(", ", Enumerable.Range(0, signs.Words).Select(k => $"s{k} = {Word("signs", k)}"))};");
        }
    }

    public override void EmitSelect(CodeWriter code, FeedForwardPlan plan)
    {
        SignBitPlan signs = SignBitPlan.Of(plan.Hidden);
        code.Line("// Predict: count the signs that disagree, and list the neurons with few enough.");
        EmitStamp(code, "-=");
        code.Line();
        string[] tested = SignBitPlan.Tested(plan.Shape);
        if (signs.InRegisters || SignBitPlan.HasBiases(plan.Shape))
        {
            EmitLoop(code, plan, signs, tested);
        }
        else
        {
            string other = tested.Length == 1 ? "" : $"in w.{tested[1]}Signs, ";
            code.Line($"candidates = w.{tested[0]}Signs.Agreeing({other}ref signs, block, end, threshold, ref candidate);");
        }

        code.Line();
        EmitStamp(code, "+=");
    }

    private static void EmitLoop(CodeWriter code, FeedForwardPlan plan, SignBitPlan signs, string[] tested)
    {
        using (code.Block("for (int i = block; i < end; i++)"))
        {
            foreach (string matrix in tested)
            {
                if (!signs.InRegisters)
                {
                    code.Line($"int {Count(matrix)} = w.{matrix}Signs.Disagreeing(ref signs, i);");
                    continue;
                }

                string row = matrix.ToLowerInvariant() + "Signs";
                code.Line($"ref ulong {row} = ref w.{matrix}Signs.Row(i);");
                EmitSum(code, $"int {Count(matrix)} =", Enumerable.Range(0, signs.Words).Select(k =>
                    $"BitOperations.PopCount(s{k} ^ {Word(row, k)})"));
            }

            bool hasBiases = SignBitPlan.HasBiases(plan.Shape);
            foreach (string matrix in hasBiases ? tested : [])
            {
                code.Line($"float {Against(matrix)} = {SignBitPlan.Against(matrix, Count(matrix), "i")};");
            }

            string most = tested.Length == 1 ? Count(tested[0]) : $"Math.Max({Count(tested[0])}, {Count(tested[1])})";
            code.Line("// The list grows by one or by none, without a branch.");
            code.Line("Unsafe.Add(ref candidate, candidates) = i;");
            code.Line(hasBiases
                ? $"candidates += {string.Join(" || ", tested.Select(matrix => SignBitPlan.IsOutvoted(matrix, Against(matrix), "i")))} ? 0 : 1;"
                : $"candidates += {most} <= threshold ? 1 : 0;");
        }
    }

    private static PreparedField Means(FeedForwardPlan plan, string matrix) => new(
        "float[]",
        SignBitPlan.Means(matrix),
        $"AbsoluteSums.Means<{plan.Weights}>(in {matrix})",
        $"Mean absolute value of each row of {matrix}: biases are weighed against it.");

    private static string InputSum(FeedForwardPlan plan, string side) =>
        $"Unsafe.As<ulong, float>(ref Unsafe.Add(ref {side}, {SignBitPlan.Of(plan.Hidden).Words}))";

    private static void EmitSum(CodeWriter code, string target, IEnumerable<string> terms) =>
        code.Lines(target + " " + string.Join("\n    + ", terms) + ";");

    private static string Word(string words, int k) => k == 0 ? words : $"Unsafe.Add(ref {words}, {k})";

    private static string Against(string matrix) => matrix.ToLowerInvariant() + "Against";

    private static string Count(string matrix) => matrix.ToLowerInvariant() + "Disagreeing";

    private static string Counted(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
