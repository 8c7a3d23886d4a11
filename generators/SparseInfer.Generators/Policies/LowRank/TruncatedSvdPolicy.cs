using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>A low-rank approximation of the gate itself, with a threshold for each neuron as a bias.</summary>
/// <param name="Rank">Singular values that are kept.</param>
/// <param name="Threshold">The shortest decimal that reads back as the declared float: what is added to every neuron's own.</param>
internal sealed record TruncatedSvdSpec(int Rank, string Threshold) : PolicySpec, IPhasePolicy, ICpuPolicy, IIlgpuPolicy
{
    internal override PolicySite Site => PolicySite.Neurons;

    private LowRankPhase Phase => new(Rank, PredictorInput.Normed, Relu: false, Bias: true, "TruncatedSvdPredictor");

    public override string Label() => $"SVD {Rank}";

    public override string Describe() => $"truncated SVD of rank {Rank}, {Phase.Formula("normed")}, threshold {Threshold}";

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [Literal.OfDecimal(Threshold)];

    CpuKernelEmitter ICpuPolicy.Cpu => LowRankPhase.CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => LowRankPhase.IlgpuKernel;

    PolicyPhase IPhasePolicy.Before(Operation site, Dimensions sizes) => Phase.Before(site, sizes);
}

internal sealed class TruncatedSvdPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.TruncatedSvdPredictorAttribute";

    public override bool LeavesGatesUnread => true;

    public override IReadOnlyList<string> Strengths { get; } = ["Threshold"];

    // What was found for each neuron.
    public override bool HasUsualStrength => true;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new TruncatedSvdRankRule(), new TruncatedSvdThresholdRule()];

    public override IEnumerable<DeclaredSize> Sizes(DeclaredAttribute attribute) =>
        [new(attribute, "Rank", "singular values", DeclaredSize.GpuWidthLimit, 256, IsRequired: true) { IsOfRows = true }];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new TruncatedSvdSpec(attribute.Value("Rank", 0), attribute.Decimal("Threshold", "0"));
}
