using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>Thresholds are the shortest decimals that read back as the declared floats; null: every channel is read there.</summary>
/// <param name="Heads">For the input of query, key and value.</param>
/// <param name="Output">For the input of attention's output projection.</param>
/// <param name="FeedForward">For the input of gate and up.</param>
/// <param name="Down">For the input of down.</param>
internal sealed record InputThresholdSpec(string? Heads, string? Output, string? FeedForward, string? Down) : PolicySpec, IChannelPolicy
{
    internal override PolicySite Site => PolicySite.InputChannels;

    public override string Label() => !Named.Any() ? "no input threshold" : $"input threshold {string.Join(" and ", Named.Select(use => $"{use.Threshold} ({use.Name})"))}";

    public override string Describe() => !Named.Any() ? "input threshold: none, every channel is read"
        : $"input threshold: skips channels where {string.Join(", and ", Named.Select(use => $"|x| is at most {use.Threshold} before {use.Of}"))}";

    public string? Threshold(ChannelUse use) => use switch
    {
        ChannelUse.Heads => Heads,
        ChannelUse.Output => Output,
        ChannelUse.FeedForward => FeedForward,
        _ => Down,
    };

    private IEnumerable<(string Name, string Of, string Threshold)> Named => new[]
    {
        (Name: "heads", Of: "query, key and value", Threshold: Heads!),
        (Name: "output", Of: "the output projection", Threshold: Output!),
        (Name: "feed-forward", Of: "gate and up", Threshold: FeedForward!),
        (Name: "down", Of: "down", Threshold: Down!),
    }.Where(use => use.Threshold is not null);
}

internal sealed class InputThresholdPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.InputThresholdAttribute";

    public override PolicySite Site => PolicySite.InputChannels;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new InputThresholdValueRule(), new InputThresholdEffectRule(), new InputThresholdNeuronsRule()];

    /// <summary>What it declares a threshold for.</summary>
    public static readonly string[] Uses = ["Heads", "Output", "FeedForward", "Down"];

    public override IReadOnlyList<string> Strengths => Uses;

    public override PolicySpec Parse(DeclaredAttribute attribute) => new InputThresholdSpec(
        Threshold(attribute, "Heads"), Threshold(attribute, "Output"), Threshold(attribute, "FeedForward"), Threshold(attribute, "Down"));

    private static string? Threshold(DeclaredAttribute attribute, string use) => attribute.Value(use, 0f) > 0 ? attribute.Decimal(use, "") : null;
}
