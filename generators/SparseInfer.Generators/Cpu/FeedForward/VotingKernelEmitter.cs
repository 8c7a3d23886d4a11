using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// A skipping kernel whose candidates are those for which the votes of signs and magnitudes are below a number or above another: two planes of bits
/// a matrix, and three rows of bits of the input. Its first parameters are <see cref="VoteParameters.OutlierSigmas"/> and
/// <see cref="VoteParameters.OutlierWeight"/>.
/// </summary>
internal abstract class VotingKernelEmitter(string name, params PolicyParameter[] parameters)
    : SkippingKernelEmitter(name, [VoteParameters.OutlierSigmas, VoteParameters.OutlierWeight, .. parameters])
{
    /// <summary>Words of a row that are counted one by one, in general registers; of more a primitive counts bits in vectors.</summary>
    private const int RegisterWords = 4;

    /// <summary>The matrices that are voted on: a neuron needs the votes of each.</summary>
    protected abstract IReadOnlyList<string> Tested(KernelShape shape);

    /// <summary>Votes below which a neuron is a candidate, as C#.</summary>
    protected abstract string Below { get; }

    /// <summary>Votes above which it is.</summary>
    protected abstract string Above { get; }

    /// <summary>Condition under which votes make a neuron a candidate.</summary>
    protected abstract string Test(string votes);

    public override bool Predicts => true;

    public override IEnumerable<string> Namespaces => ["System.Diagnostics"];

    public override IEnumerable<PreparedField> Prepared(FeedForwardPlan plan) => Tested(plan.Shape).SelectMany(matrix => new[]
    {
        PreparedField.Signs(plan, matrix),
        new PreparedField(
            "SignPlane",
            $"{matrix}Magnitudes",
            $"SignPlane.PackMagnitudes<{plan.Weights}>(in {matrix}, memory)",
            $"Which weights of {matrix} are large, a bit each."),
    });

    public override int SideWords(FeedForwardPlan plan) => 3 * Words(plan);

    public override string PlanText(FeedForwardPlan plan) => $"votes of {Words(plan)} words by {(InRegisters(plan) ? "registers" : "vectors")}";

    public override string PredictorData => "signs and magnitudes";

    public override long PredictorBytes(FeedForwardPlan plan) => 2L * sizeof(ulong) * Words(plan) * Tested(plan.Shape).Count;

    public override void EmitInput(CodeWriter code, FeedForwardPlan plan)
    {
        EmitStamp(code, "-=");
        code.Line();
        code.Line($"Votes.Pack(ref x, ref slot.Side, Hidden, {VoteParameters.OutlierSigmas.Name});");
        code.Line();
        EmitStamp(code, "+=");
        code.Line();
    }

    public override void EmitBlockInput(CodeWriter code, FeedForwardPlan plan)
    {
        code.Line("ref ulong packed = ref slot.Side;");
        if (!InRegisters(plan))
        {
            return;
        }

        int words = Words(plan);
        (string Name, int Row)[] rows = [("signs", 0), ("large", 1), ("outliers", 2)];
        foreach ((string name, int row) in rows)
        {
            code.Line($"ulong {string.Join(", ", Enumerable.Range(0, words).Select(k => $"{name}{k} = {Word("packed", (row * words) + k)}"))};");
        }

        code.Line("long start = Votes.Start(ref packed, Hidden, outlierWeight);");
    }

    public override void EmitSelect(CodeWriter code, FeedForwardPlan plan)
    {
        code.Line("// Predict: count the votes, and list the neurons with enough.");
        EmitStamp(code, "-=");
        code.Line();
        IReadOnlyList<string> tested = Tested(plan.Shape);
        if (InRegisters(plan))
        {
            EmitLoop(code, Words(plan), tested);
        }
        else
        {
            string planes = string.Join(", ", tested.SelectMany(matrix => new[] { $"in w.{matrix}Signs", $"in w.{matrix}Magnitudes" }).Skip(1));
            code.Line($"candidates = w.{tested[0]}Signs.Voting({planes}, ref packed, block, end, outlierWeight, {Below}, {Above}, ref candidate);");
        }

        code.Line();
        EmitStamp(code, "+=");
    }

    private void EmitLoop(CodeWriter code, int words, IReadOnlyList<string> tested)
    {
        using (code.Block("for (int i = block; i < end; i++)"))
        {
            foreach (string matrix in tested)
            {
                string row = matrix.ToLowerInvariant();
                code.Line($"ref ulong {row}Signs = ref w.{matrix}Signs.Row(i);");
                code.Line($"ref ulong {row}Magnitudes = ref w.{matrix}Magnitudes.Row(i);");
                code.Lines($"long {Sum(matrix)} = start" + string.Concat(Enumerable.Range(0, words).Select(k =>
                    $"\n    + Votes.Of(signs{k}, large{k}, outliers{k}, {Word($"{row}Signs", k)}, {Word($"{row}Magnitudes", k)}, outlierWeight)")) + ";");
            }

            string test = string.Join(" && ", tested.Select(matrix => tested.Count > 1 && Test("x").Contains("||") ? $"({Test(Sum(matrix))})" : Test(Sum(matrix))));
            code.Line("// The list grows by one or by none, without a branch.");
            code.Line("Unsafe.Add(ref candidate, candidates) = i;");
            code.Line($"candidates += {test} ? 1 : 0;");
        }
    }

    private static int Words(FeedForwardPlan plan) => (plan.Hidden + 63) / 64;

    private static bool InRegisters(FeedForwardPlan plan) => Words(plan) <= RegisterWords;

    private static string Word(string words, int k) => k == 0 ? words : $"Unsafe.Add(ref {words}, {k})";

    private static string Sum(string matrix) => matrix.ToLowerInvariant() + "Votes";
}
