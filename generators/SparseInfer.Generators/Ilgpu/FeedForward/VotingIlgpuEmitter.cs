using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// A kernel whose candidates the votes of signs and magnitudes choose: a warp goes through a row's two planes of bits 16 bytes a lane each, four rows at a
/// time. A launch before it packs the input. Its first parameters are <see cref="VoteParameters.OutlierSigmas"/>, which that launch takes, and
/// <see cref="VoteParameters.OutlierWeight"/>.
/// </summary>
internal abstract class VotingIlgpuEmitter(string name, params PolicyParameter[] parameters)
    : IlgpuKernelEmitter(name, [VoteParameters.OutlierSigmas, VoteParameters.OutlierWeight, .. parameters])
{
    private const int PackThreads = 256;

    private const string AllVotes = "AgreeingVotes";

    private static readonly InputVotes Votes = new();

    private static IEnumerable<int> Predicted => Enumerable.Range(0, IlgpuFeedForwardPlan.PredictedAtOnce);

    /// <summary>The matrices that are voted on: a neuron needs the votes of each.</summary>
    protected abstract IReadOnlyList<string> Tested(KernelShape shape);

    /// <summary>Condition under which votes make a neuron a candidate, as one operand of <c>&amp;&amp;</c>.</summary>
    protected abstract string Test(string votes);

    public override bool Predicts => true;

    public override string PredictionText => "count the votes of signs and magnitudes";

    public override IReadOnlyList<DerivedField> Derived(IlgpuFeedForwardPlan plan) =>
        [.. Tested(plan.Shape).SelectMany(matrix => new DerivedField[] { new PackedSigns(matrix), new PackedMagnitudes(matrix) })];

    public override IReadOnlyList<TokenData> Reads(IlgpuFeedForwardPlan plan) => [Votes];

    public override IEnumerable<string> Constants(IlgpuFeedForwardPlan plan) =>
    [
        $"private const int SignWords = {plan.SignWords}; // 16-byte words of a row's signs",
        $"private const int {AllVotes} = {100 * plan.Hidden}; // hundredths: of small columns that all agree",
    ];

    public override int InputParameters => 1;

    public override DeviceKernel? Input(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        int quads = plan.Row.Columns / 4;
        int threads = Math.Min(PackThreads, (quads + RowPlan.Lanes - 1) / RowPlan.Lanes * RowPlan.Lanes);
        return new DeviceKernel(
            "PackVotes",
            threads,
            "Packs an input for votes: its signs, which elements are farther from its mean than 0.6745 standard deviations, and which are outliers. A group a token.",
            [KernelParameter.Quads("x"), new(Votes.Type, Votes.Name), KernelParameter.Float(VoteParameters.OutlierSigmas.Name)],
            () => EmitPack(code, plan.Hidden, quads, threads));
    }

    private static void EmitPack(CodeWriter code, int hidden, int quads, int threads)
    {
        int warps = threads / RowPlan.Lanes;
        if (warps > 1)
        {
            code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({warps});");
            code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({warps});");
        }

        code.Line("ArrayView<uint> words = votes.Cast<uint>();");
        code.Lines(warps > 1 ? WarpCode.Place : """
            int thread = Group.IdxX;
            int lane = thread;
            """);
        code.Line($"int start = Grid.IdxX * {quads};");
        code.Line($"int first = Grid.IdxX * {4 * Votes.Length(hidden)};");
        code.Line("float sum = 0f;");
        using (WarpCode.ForEach(code, "summed", "thread", quads, threads))
        {
            code.Line("sum += Quad.Sum(x[start + summed]);");
        }

        code.Line();
        WarpCode.EmitGroupSum(code, warps, "sum", "sums", "total");
        code.Line($"float mean = total / {hidden};");
        code.Line("float square = 0f;");
        using (WarpCode.ForEach(code, "squared", "thread", quads, threads))
        {
            code.Line($"square += Quad.SumOfSquares(Quad.Subtract(x[start + squared], mean, {hidden} - (4 * squared)));");
        }

        code.Line();
        WarpCode.EmitGroupSum(code, warps, "square", "squares", "variance");
        code.Line(hidden == 1 ? "float deviation = variance;" : $"float deviation = MathF.Sqrt(variance / {hidden - 1});");
        code.Line();
        code.Line("// Four bits a lane, eight lanes a word; padding lies at the mean.");
        int steps = (quads + threads - 1) / threads;
        using (steps == 1 ? default(CodeWriter.Scope?) : code.Block($"for (int step = 0; step < {steps}; step++)"))
        {
            code.Line(steps == 1 ? "int quad = thread;" : $"int quad = (step * {threads}) + thread;");
            bool isWhole = quads == steps * threads;
            if (isWhole)
            {
                code.Line("Float4 values = x[start + quad];");
            }
            else
            {
                code.Line("Float4 values = default;");
                using (code.Block($"if (quad < {quads})"))
                {
                    code.Line("values = x[start + quad];");
                }

                code.Line();
            }

            code.Line($"Float4 apart = Quad.Subtract(values, mean, {hidden} - (4 * quad));");
            code.Line("uint signs = Lanes.Signs(values, lane);");
            code.Line("uint large = Lanes.Word(Quad.Beyond(apart, 0.6745f * deviation), lane);");
            code.Line($"uint outliers = Lanes.Word(Quad.Beyond(apart, {VoteParameters.OutlierSigmas.Name} * deviation), lane);");
            using (code.Block($"if ((lane & 7) == 0{(isWhole ? "" : $" && quad < {quads}")})"))
            {
                int row = 4 * Votes.Length(hidden) / 3;
                code.Line("int word = first + (quad / 8);");
                code.Line("words[word] = signs;");
                code.Line($"words[word + {row}] = large;");
                code.Line($"words[word + {2 * row}] = outliers;");
            }
        }
    }

    public override void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        code.Line($"// Predict: {PredictionText}, four neurons at a time.");
        for (int step = 0; step < plan.SignSteps; step++)
        {
            foreach ((string row, string? place) in InputRows)
            {
                BitCode.EmitLoad(code, plan, $"{row}{step}", "votes", step, place);
            }
        }

        string outliers = string.Join(" + ", Enumerable.Range(0, plan.SignSteps).Select(step => $"Votes.Outliers(outliers{step}, outlierWeight)"));
        code.Line($"int outlierVotes = {outliers};");
        bool isOnce = plan.WarpNeurons == IlgpuFeedForwardPlan.PredictedAtOnce;
        string loop = $"for (int n = 0; n < WarpNeurons; n += {IlgpuFeedForwardPlan.PredictedAtOnce})";
        using (isOnce ? default(CodeWriter.Scope?) : code.Block(loop))
        {
            BitCode.EmitRows(code, plan.IsExact, isOnce);
            IReadOnlyList<string> matrices = Tested(plan.Shape);
            foreach (string matrix in matrices)
            {
                EmitVotes(code, plan, matrix);
            }

            foreach (int k in Predicted)
            {
                string test = string.Join(" && ", matrices.Select(matrix => Test($"{Sum(matrix)}{k} + {AllVotes}")));
                string bit = isOnce ? $"{1 << k}u" : $"1u << {(k == 0 ? "n" : $"(n + {k})")}";
                code.Line($"kept |= {test} ? {bit} : 0u;");
            }
        }
    }

    public override void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
    {
        BitCode.EmitRows(code, plan.IsExact, isOnce: false);
        IReadOnlyList<string> matrices = Tested(plan.Single.Shape);
        foreach (string matrix in matrices)
        {
            EmitVotesTogether(code, plan.Single, matrix);
        }

        foreach (string pair in new[] { "AB", "CD" })
        {
            string test = string.Join(" && ", matrices.Select(matrix => Test($"{Sum(matrix)}{pair} + {AllVotes}")));
            code.Line($"uint wants{pair} = token < tokens && {test} ? 1u : 0u;");
        }
    }

    /// <summary>The rows of a packed input, and where they begin.</summary>
    private static (string Name, string? Place)[] InputRows => [("signs", null), ("large", "SignWords"), ("outliers", "(2 * SignWords)")];

    private static void EmitVotes(CodeWriter code, IlgpuFeedForwardPlan plan, string matrix)
    {
        foreach (int k in Predicted)
        {
            code.Line($"int {Sum(matrix)}{k} = outlierVotes;");
        }

        for (int step = 0; step < plan.SignSteps; step++)
        {
            EmitRowLoads(code, plan, matrix, step);
            foreach (int k in Predicted)
            {
                code.Line($"{Sum(matrix)}{k} += Votes.Of(signs{step}, large{step}, outliers{step}, {Signs(matrix, step, k)}, {Large(matrix, step, k)}, outlierWeight);");
            }
        }

        code.Line($"Lanes.SumFour({string.Join(", ", Predicted.Select(k => $"ref {Sum(matrix)}{k}"))});");
    }

    /// <summary>Writes the votes of all tokens: rows are loaded once, and each meets every token's bits. A token too many has the last one's.</summary>
    private static void EmitVotesTogether(CodeWriter code, IlgpuFeedForwardPlan plan, string matrix)
    {
        string sum = Sum(matrix);
        TogetherCode.EmitStart(code, "Int4", sum);
        for (int step = 0; step < plan.SignSteps; step++)
        {
            EmitRowLoads(code, plan, matrix, step);
            string rows = string.Join(", ", Predicted.SelectMany(k => new[] { Signs(matrix, step, k), Large(matrix, step, k) }));
            TogetherCode.ForTokens(code, token =>
            {
                string prefix = matrix.ToLowerInvariant();
                string ofToken = token == 0 ? "" : $"((tokens > {token} ? {token} : tokens - 1) * {Votes.Length(plan.Hidden)})";
                foreach ((string row, string? place) in InputRows)
                {
                    string start = string.Join(" + ", new[] { ofToken, place }.Where(part => !string.IsNullOrEmpty(part)));
                    BitCode.EmitLoad(code, plan, $"{prefix}{char.ToUpperInvariant(row[0])}{row.Substring(1)}{step}_{token}", "votes", step, start.Length == 0 ? null : start);
                }

                string input = $"{prefix}Signs{step}_{token}, {prefix}Large{step}_{token}, {prefix}Outliers{step}_{token}";
                code.Line($"{sum}{token} = Votes.OfFour({input}, {rows}, outlierWeight, {sum}{token});");
            });
            code.Line();
        }

        TogetherCode.EmitSums(code, "int", sum, sum);
    }

    private static void EmitRowLoads(CodeWriter code, IlgpuFeedForwardPlan plan, string matrix, int step)
    {
        foreach (int k in Predicted)
        {
            BitCode.EmitLoad(code, plan, Signs(matrix, step, k), $"w.{matrix}Signs", step, $"signRow{k}");
            BitCode.EmitLoad(code, plan, Large(matrix, step, k), $"w.{matrix}Magnitudes", step, $"signRow{k}");
        }
    }

    private static string Sum(string matrix) => $"{matrix.ToLowerInvariant()}Votes";

    private static string Signs(string matrix, int step, int k) => $"{matrix.ToLowerInvariant()}SignWords{step}_{k}";

    private static string Large(string matrix, int step, int k) => $"{matrix.ToLowerInvariant()}LargeWords{step}_{k}";
}
