namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>
/// Each way in which files scale rotary frequencies: what they say, and what it means. The meanings are Hugging Face's definitions
/// (<c>modeling_rope_utils.py</c>), written here once more.
/// </summary>
internal static class TinyScalings
{
    /// <summary>Of the base, so low that all pairs turn within a few tokens.</summary>
    private const double Theta = 100;

    private static readonly (string Name, TinyModel Tiny)[] InGguf =
    [
        ("linear", Of("exaone") with
        {
            RopeTheta = Theta,
            RopeScaling = 4,
            Keys = [.. Base, ("rope.scaling.type", "linear"), ("rope.scaling.factor", 4f)],
        }),
        ("YaRN", Of("arcee") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(4, 256, 32, 1),
            RopeMagnitude = (0.1 * Math.Log(4)) + 1,
            Keys = [.. Base, ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 256u)],
        }),
        ("YaRN, half-split", Of("qwen2") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(16, 128, 32, 1),
            RopeMagnitude = (0.1 * Math.Log(16)) + 1,
            Keys = [.. Base, ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 16f), ("rope.scaling.original_context_length", 128u)],
        }),
        ("YaRN, partial", Of("nemotron") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(8, 64, 32, 1, dimensions: 4),
            RopeMagnitude = (0.1 * Math.Log(8)) + 1,
            Keys =
            [
                .. Base, ("rope.dimension_count", 4u), ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 8f),
                ("rope.scaling.original_context_length", 64u),
            ],
        }),
        ("YaRN with all numbers", Of("mistral3") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(4, 256, 16, 2),
            RopeMagnitude = 1,
            Keys =
            [
                .. Base, ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 256u),
                ("rope.scaling.yarn_beta_fast", 16f), ("rope.scaling.yarn_beta_slow", 2f), ("rope.scaling.yarn_log_multiplier", 1f),
            ],
        }),
        ("factors", Of("llama") with
        {
            RopeTheta = Theta,
            FrequencyFactors = [1, 1.5f, 4, 8],
            ScaleFrequency = (pair, frequency) => frequency / ((double[])[1, 1.5, 4, 8])[pair],
            Keys = [.. Base],
        }),
    ];

    private static readonly (string Name, TinyModel Tiny)[] InConfig =
    [
        ("YaRN", Of("arcee") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(4, 256, 32, 1),
            RopeMagnitude = (0.1 * Math.Log(4)) + 1,
            Config =
            [
                ("hidden_act", "relu2"), ("rope_theta", 100.0),
                ("rope_scaling", new { rope_type = "yarn", factor = 4.0, original_max_position_embeddings = 256, attention_factor = (double?)null }),
            ],
        }),
        ("YaRN with all numbers", Of("llama") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(4, 256, 16, 2),
            RopeMagnitude = 1.25,
            Config =
            [
                ("hidden_act", "relu"),
                ("rope_parameters", new
                {
                    rope_theta = 100.0, rope_type = "yarn", factor = 4.0, original_max_position_embeddings = 256, beta_fast = 16, beta_slow = 2.0,
                    attention_factor = 1.25, truncate = true,
                }),
            ],
        }),
        ("YaRN with mscale", Of("llama") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Yarn(4, 32, 32, 1),
            RopeMagnitude = ((0.1 * 0.7 * Math.Log(4)) + 1) / ((0.1 * 0.5 * Math.Log(4)) + 1),
            Config =
            [
                ("hidden_act", "relu"), ("rope_theta", 100.0),
                ("rope_scaling", new { type = "yarn", factor = 4.0, mscale = 0.7, mscale_all_dim = 0.5 }),
            ],
        }),
        ("Llama 3", Of("llama") with
        {
            RopeTheta = Theta,
            ScaleFrequency = Llama3(8, 64, 1, 4),
            Config =
            [
                ("hidden_act", "relu"), ("rope_theta", 100.0),
                ("rope_scaling", new { rope_type = "llama3", factor = 8.0, original_max_position_embeddings = 64, low_freq_factor = 1.0, high_freq_factor = 4.0 }),
            ],
        }),
    ];

    public static IEnumerable<string> OfGguf => InGguf.Select(pair => pair.Name);

    public static IEnumerable<string> OfConfig => InConfig.Select(pair => pair.Name);

    public static TinyModel Gguf(string name) => InGguf.Single(pair => pair.Name == name).Tiny;

    public static TinyModel Config(string name) => InConfig.Single(pair => pair.Name == name).Tiny;

    /// <summary>Llama 3's: by wave lengths, in the order of the definition.</summary>
    public static Func<int, double, double> Llama3(double factor, int original, double low, double high) => (_, frequency) =>
    {
        double length = 2 * Math.PI / frequency;
        if (length > original / low)
        {
            return frequency / factor;
        }

        double smooth = ((original / length) - low) / (high - low);
        return length < original / high ? frequency : ((1 - smooth) * frequency / factor) + (smooth * frequency);
    };

    private static (string, object)[] Base => [("rope.freq_base", 100f)];

    private static Func<int, double, double> Yarn(double factor, int original, double fast, double slow, int dimensions = TinyModel.HeadSize) => (pair, frequency) =>
    {
        double Dimension(double turns) => dimensions * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Math.Max(Math.Floor(Dimension(fast)), 0);
        double high = Math.Min(Math.Ceiling(Dimension(slow)), dimensions - 1);
        double extrapolated = 1 - Math.Clamp((pair - low) / (high == low ? 0.001 : high - low), 0, 1);
        return (frequency / factor * (1 - extrapolated)) + (frequency * extrapolated);
    };

    private static TinyModel Of(string architecture) => TinyModels.Of(architecture);
}
