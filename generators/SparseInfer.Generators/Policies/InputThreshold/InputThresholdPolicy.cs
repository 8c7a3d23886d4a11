using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>Thresholds are the shortest decimals that read back as the declared floats; null: every channel is read there.</summary>
/// <param name="Heads">For the input of query, key and value.</param>
/// <param name="Output">For the input of attention's output projection.</param>
internal sealed record InputThresholdSpec(string? Heads, string? Output) : PolicySpec, IChannelPolicy
{
    internal override PolicySite Site => PolicySite.InputChannels;

    public override string Label() => $"input threshold {string.Join(" and ", Named.Select(use => $"{use.Threshold} ({use.Name})"))}";

    public override string Describe() =>
        $"input threshold: skips channels of attention's inputs where {string.Join(", and ", Named.Select(use => $"|x| is at most {use.Threshold} before {use.Of}"))}";

    public string? Threshold(Stage stage) => stage == Stage.Heads ? Heads : stage == Stage.Output ? Output : null;

    private IEnumerable<(string Name, string Of, string Threshold)> Named => new[]
    {
        (Name: "heads", Of: "query, key and value", Threshold: Heads!),
        (Name: "output", Of: "the output projection", Threshold: Output!),
    }.Where(use => use.Threshold is not null);
}

internal sealed class InputThresholdPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.InputThresholdAttribute";

    public override PolicySite Site => PolicySite.InputChannels;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new InputThresholdValueRule(), new InputThresholdEffectRule()];

    /// <summary>What it declares a threshold for.</summary>
    public static readonly string[] Uses = ["Heads", "Output"];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new InputThresholdSpec(Threshold(attribute, "Heads"), Threshold(attribute, "Output"));

    private static string? Threshold(DeclaredAttribute attribute, string use) => attribute.Value(use, 0f) > 0 ? attribute.Decimal(use, "") : null;
}
