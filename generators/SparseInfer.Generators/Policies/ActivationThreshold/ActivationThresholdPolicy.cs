using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>Votes of signs and magnitudes that select gates before they are read (CATS-GP), as shortest decimals.</summary>
internal sealed record GateVotes(string Least, string OutlierWeight, string OutlierSigmas);

/// <param name="Threshold">The shortest decimal that reads back as the declared float.</param>
/// <param name="Votes">Null: every gate is read.</param>
internal sealed record ActivationThresholdSpec(string Threshold, GateVotes? Votes = null) : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    private static readonly ActivationThresholdCpuKernel CpuKernel = new();

    private static readonly ActivationThresholdIlgpuKernel IlgpuKernel = new();

    private static readonly GateVoteCpuKernel VotedCpuKernel = new();

    private static readonly GateVoteIlgpuKernel VotedIlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"threshold {Threshold}" + (Votes is null ? "" : $", votes {Votes.Least}");

    public override string Describe() => $"activation threshold {Threshold}: skips up and down where |activation| is smaller"
        + (Votes is null ? "" : $", all where |votes| are at most {Votes.Least}");

    CpuKernelEmitter ICpuPolicy.Cpu => Votes is null ? CpuKernel : VotedCpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => Votes is null ? IlgpuKernel : VotedIlgpuKernel;

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) => Votes is null ? [Literal.OfDecimal(Threshold)] :
    [
        Literal.OfDecimal(Votes.OutlierSigmas), VoteParameters.Hundredths(Votes.OutlierWeight), Literal.OfDecimal(Threshold),
        VoteParameters.Hundredths(Votes.Least),
    ];
}

internal sealed class ActivationThresholdPolicy : SparsityPolicy
{
    /// <summary>What its kernels are called, and what they take.</summary>
    public const string Kernel = "ActivationThreshold";

    public static readonly PolicyParameter Threshold = new("float", "threshold");

    /// <summary>The kernels' that votes choose gates for.</summary>
    public const string VotedKernel = "ActivationThresholdVoted";

    public static readonly PolicyParameter GateVote = new("int", "gateVote");

    public override string AttributeName => "SparseInfer.ActivationThresholdAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
    [
        new ActivationThresholdValueRule(), new ActivationThresholdEffectRule(), new ActivationThresholdOnZerosRule(), new NeuronThresholdRule(), new GateVoteRule(),
    ];

    public override IReadOnlyList<string> Strengths { get; } = ["Threshold", "PerNeuron"];

    public override PolicySpec Parse(DeclaredAttribute attribute) => IsPerNeuron(attribute) ? new NeuronThresholdSpec() : new ActivationThresholdSpec(
        attribute.Decimal("Threshold", "0"),
        attribute.IsSet("GateVote")
            ? new GateVotes(attribute.Decimal("GateVote", ""), attribute.Decimal("OutlierWeight", "30"), attribute.Decimal("OutlierSigmas", "3"))
            : null);

    /// <summary>Whether thresholds are in a file, one for each neuron.</summary>
    public static bool IsPerNeuron(DeclaredAttribute attribute) => attribute.Value("PerNeuron", false);
}
