using System.Text.RegularExpressions;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>Complete declarations that break no rule but for the attributes a test replaces or adds.</summary>
internal static partial class Declared
{
    private static readonly string[] ModelAttributes =
    [
        "[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = 512, Context = 128)]",
        "[Attention(Heads = 8)]",
        "[FeedForward(Intermediate = 704)]",
        "[RmsNorm]",
        "[Weights(WeightType.F16)]",
    ];

    private static readonly string[] LayerAttributes =
    [
        "[FeedForward(Hidden = 64, Intermediate = 192)]",
        "[Weights(WeightType.F32)]",
    ];

    /// <summary>A model <c>M</c>; an attribute of the same name replaces the usual one.</summary>
    public static string Model(params string[] attributes) =>
        string.Join("\n", Replace(ModelAttributes, attributes)) + "\npublic sealed partial class M;\n";

    /// <summary>A layer <c>Layers.Mlp</c>; an attribute of the same name replaces the usual one.</summary>
    public static string Layer(params string[] attributes) =>
        "public static partial class Layers\n{\n    "
        + string.Join("\n    ", Replace(LayerAttributes, attributes))
        + "\n    public static partial FeedForwardKernel Mlp { get; }\n}\n";

    private static IEnumerable<string> Replace(string[] usual, string[] given) =>
        usual.Where(attribute => !given.Select(Name).Contains(Name(attribute))).Concat(given);

    private static string Name(string attribute) => AttributeName().Match(attribute).Groups[1].Value;

    [GeneratedRegex(@"^\[(?:\{\|SPI\d+:)*(\w+)")]
    private static partial Regex AttributeName();
}
