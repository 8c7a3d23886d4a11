using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>Thresholds and centres are the shortest decimals that read back as the declared floats.</summary>
/// <param name="Inputs">Of each use that leaves channels out: beyond which distance from where.</param>
/// <param name="ColumnNorms">Whether a channel's distance is multiplied by the norm of its weights.</param>
internal sealed record InputThresholdSpec(EquatableArray<InputCut> Inputs, bool ColumnNorms) : PolicySpec, IChannelPolicy
{
    internal override PolicySite Site => PolicySite.InputChannels;

    public override string Label() => Inputs.Count == 0 ? "no input threshold"
        : $"input threshold {string.Join(" and ", Inputs.Select(cut => $"{cut.Threshold} ({NameOf(cut.Use)}{(cut.Centre is null ? "" : $" around {cut.Centre}")}{(HasNorms(cut.Use) ? ", column norms" : "")})"))}";

    public override string Describe() => Inputs.Count == 0 ? "input threshold: none, every channel is read"
        : $"input threshold: skips channels where {string.Join(", and ", Inputs.Select(cut => $"{Score(cut)} is at most {cut.Threshold} before {Readers(cut.Use)}"))}";

    public string? Threshold(ChannelUse use) => Of(use)?.Threshold;

    public string? Centre(ChannelUse use) => Of(use)?.Centre;

    public bool HasNorms(ChannelUse use) => ColumnNorms && InputThresholdPolicy.HasColumnNorms(use) && Of(use) is not null;

    private InputCut? Of(ChannelUse use) => Inputs.FirstOrDefault(cut => cut.Use == use);

    private string Score(InputCut cut) => (cut.Centre is null ? "|x|" : cut.Centre[0] == '-' ? $"|x + {cut.Centre.Substring(1)}|" : $"|x - {cut.Centre}|")
        + (HasNorms(cut.Use) ? " times its weights' norm" : "");

    private static string NameOf(ChannelUse use) => use switch
    {
        ChannelUse.Heads => "heads",
        ChannelUse.Output => "output",
        ChannelUse.FeedForward => "feed-forward",
        _ => "down",
    };

    private static string Readers(ChannelUse use) => use switch
    {
        ChannelUse.Heads => "query, key and value",
        ChannelUse.Output => "the output projection",
        ChannelUse.FeedForward => "gate and up",
        _ => "down",
    };
}

/// <summary>Which channels of an input are left out.</summary>
/// <param name="Threshold">Those that are no further away.</param>
/// <param name="Centre">From what; null: from 0.</param>
internal sealed record InputCut(ChannelUse Use, string Threshold, string? Centre);

internal sealed class InputThresholdPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.InputThresholdAttribute";

    public override PolicySite Site => PolicySite.InputChannels;

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
        [new InputThresholdValueRule(), new InputThresholdEffectRule(), new InputThresholdNeuronsRule(), new InputThresholdCentreRule()];

    /// <summary>What it declares a threshold for.</summary>
    public static readonly string[] Uses = ["Heads", "Output", "FeedForward", "Down"];

    /// <summary>The property that declares a centre beside a threshold.</summary>
    public static string CentreOf(string use) => use + "Centre";

    /// <summary>Whether norms of columns have a part in what is skipped: WINA takes those of query, key and value, and of gate and up.</summary>
    public static bool HasColumnNorms(ChannelUse use) => use is ChannelUse.Heads or ChannelUse.FeedForward;

    public override IReadOnlyList<string> Strengths { get; } = [.. Uses, .. Uses.Select(CentreOf), "ColumnNorms"];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new InputThresholdSpec(
        Uses.Where(use => attribute.Value(use, 0f) > 0)
            .Select(use => new InputCut(
                (ChannelUse)System.Enum.Parse(typeof(ChannelUse), use),
                attribute.Decimal(use, ""),
                attribute.Value(CentreOf(use), 0f) == 0f ? null : attribute.Decimal(CentreOf(use), "")))
            .ToEquatableArray(),
        attribute.Value("ColumnNorms", false));
}
