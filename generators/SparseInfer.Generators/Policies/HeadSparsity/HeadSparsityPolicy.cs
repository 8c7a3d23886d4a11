using System.Globalization;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.HeadSparsity;

/// <param name="Keep">The share of key-value heads that is kept, as the shortest decimal that reads back as the declared float.</param>
/// <param name="Router">Whether a trained router chooses; else the queries do.</param>
/// <param name="Bias">Whether the router has a bias.</param>
internal sealed record HeadSparsitySpec(string Keep, bool Router, bool Bias) : PolicySpec, IHeadPolicy
{
    internal override PolicySite Site => PolicySite.Heads;

    public string Summary => Router
        ? $"Scores of heads: router * normed{(Bias ? " + bias" : "")}; then 0 for the largest of them and -1 for the others."
        : "Scores of heads: squares of their queries; then 0 for the largest of them and -1 for the others.";

    public override string Label() => $"heads {Keep}";

    public override string Describe() =>
        $"head sparsity: attends with {Keep} of the heads, those {(Router ? $"that score highest, router * normed{(Bias ? " + bias" : "")}" : "with the largest queries")}";

    /// <summary>The share of so many, rounded up: in decimal digits, so that it is the same wherever the generator runs.</summary>
    public int Kept(int heads) => Math.Max(1, (int)Math.Ceiling(decimal.Parse(Keep, NumberStyles.Float, CultureInfo.InvariantCulture) * heads));

    // Heads that are left out are zeros of the output projection's input.
    public string? Threshold(ChannelUse use) => use == ChannelUse.Output ? InputChannels.Zeros : null;

    public string? Centre(ChannelUse use) => null;

    public bool HasNorms(ChannelUse use) => false;

    public IReadOnlyList<Operation> Score(Slot scores, Dimensions sizes)
    {
        if (!Router)
        {
            return [new ScoreQueries(scores)];
        }

        Tensor router = Tensor.OfLayer(TensorRole.Projection, "HeadRouter", "mha_router", "mha_router", sizes.KeyValueHeads, sizes.Hidden);
        return
        [
            new Project(Stage.Heads, WorkUnit.Row, router, Slot.Normed, scores),
            .. Bias ? [new AddBias(Stage.Heads, WorkUnit.Row, router.Bias(TensorRole.Bias), scores)] : Array.Empty<Operation>(),
        ];
    }
}

internal sealed class HeadSparsityPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.HeadSparsityAttribute";

    public override PolicySite Site => PolicySite.Heads;

    public override IReadOnlyList<string> Strengths { get; } = ["Keep"];

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new HeadSparsityKeepRule(), new HeadSparsityGroupsRule(), new HeadSparsityBiasRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute)
    {
        bool router = attribute.Value("Router", false);
        return new HeadSparsitySpec(attribute.Decimal("Keep", "1"), router, router && attribute.Value("Bias", true));
    }
}
