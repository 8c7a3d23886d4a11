using System.Globalization;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <param name="Rank">Rows of the first matrix.</param>
/// <param name="Input">What it is multiplied by.</param>
/// <param name="Relu">Whether what it gives is rectified.</param>
/// <param name="Bias">Whether the second matrix has one.</param>
/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
/// <param name="Keep">The share of neurons that is kept, written as the threshold is; empty: scores are compared with that.</param>
/// <param name="Count">How many neurons are kept; 0: no number is declared.</param>
/// <param name="Lookahead">How many layers before its own the input is.</param>
internal sealed record LowRankSpec(int Rank, PredictorInput Input, bool Relu, bool Bias, string Threshold, string Keep = "", int Count = 0, int Lookahead = 0)
    : PolicySpec, IPhasePolicy, ICpuPolicy, IIlgpuPolicy
{
    internal override PolicySite Site => PolicySite.Neurons;

    private LowRankPhase Phase => new(Rank, Input, Relu, Bias, "LowRankPredictor", Lookahead);

    private bool Ranks => Keep.Length > 0 || Count > 0;

    public override string Label() => $"low-rank {Rank}";

    public override string Describe() => $"low-rank predictor, {Phase.Formula(Input == PredictorInput.Residual ? "residual" : "normed")} of rank {Rank}, "
        + (Lookahead == 0 ? "" : $"of {Lookahead} {(Lookahead == 1 ? "layer" : "layers")} before, ")
        + (Count > 0 ? $"the best {Count} neurons" : Keep.Length > 0 ? $"the best {Keep} of the neurons" : $"threshold {Threshold}");

    // What is not among the largest scores is marked with a negative number.
    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Ranks ? "0f" : Literal.OfDecimal(Threshold)];

    CpuKernelEmitter ICpuPolicy.Cpu => LowRankPhase.CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => LowRankPhase.IlgpuKernel;

    PolicyPhase IPhasePolicy.Before(Operation site, Dimensions sizes) =>
        Ranks ? Phase.Largest(site, sizes, Count > 0 ? Count : ShareOf(sizes.Intermediate.Size)) : Phase.Before(site, sizes);

    /// <summary>The share of so many, rounded up: in decimal digits, so that it is the same wherever the generator runs.</summary>
    private int ShareOf(int neurons) => Math.Max(1, (int)Math.Ceiling(decimal.Parse(Keep, NumberStyles.Float, CultureInfo.InvariantCulture) * neurons));
}

internal sealed class LowRankPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.LowRankPredictorAttribute";

    public override bool LeavesGatesUnread => true;

    public override IReadOnlyList<string> Strengths { get; } = ["Threshold", "Keep", "Count"];

    // Predictors are trained for 0.
    public override bool HasUsualStrength => true;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new LowRankInputRule(), new LowRankThresholdRule(), new LowRankKeepRule(), new LowRankLookaheadRule()];

    public override IEnumerable<DeclaredSize> Sizes(DeclaredAttribute attribute) =>
        [new(attribute, "Rank", "factors", DeclaredSize.GpuWidthLimit, 1024, IsRequired: true) { IsOfRows = true }];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new LowRankSpec(
        attribute.Value("Rank", 0),
        attribute.Value("Input", PredictorInput.Residual),
        attribute.Value("Relu", true),
        attribute.Value("Bias", false),
        attribute.Decimal("Threshold", "0"),
        attribute.Decimal("Keep", ""),
        attribute.Value("Count", 0),
        attribute.Value("Lookahead", 0));
}
