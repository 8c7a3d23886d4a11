using System.Globalization;
using System.Security;
using System.Text;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Compilation;

/// <summary>What a user would write in attributes to declare one model: read from a file, or of a named shape.</summary>
internal sealed record ModelDeclaration
{
    /// <summary>The model's name, cut and without control characters; <see cref="ClassName"/> is made of it.</summary>
    public required string Name { get; init => field = FileText.Show(value); }

    public required int Hidden { get; init; }

    public required int Layers { get; init; }

    public required int Vocabulary { get; init; }

    public required int Context { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    /// <summary>Elements a head; 0: <see cref="Hidden"/> / <see cref="Heads"/>.</summary>
    public int HeadDimension { get; init; }

    public float RopeTheta { get; init; } = 10000f;

    public float RopeScaling { get; init; } = 1f;

    /// <summary>Rotated elements of a head; 0: all.</summary>
    public int RopeDimensions { get; init; }

    public RopePairing RopePairing { get; init; }

    /// <summary>How rotary frequencies are scaled, beyond <see cref="RopeScaling"/>; null: not at all.</summary>
    public RopeScaling? FrequencyScaling { get; init; }

    public bool QueryKeyValueBiases { get; init; }

    public bool OutputBias { get; init; }

    public bool QueryKeyNorms { get; init; }

    /// <summary>How far attention looks back in <see cref="WindowLayers"/>.</summary>
    public int Window { get; init; }

    /// <summary>Layers whose attention slides; null: none.</summary>
    public LayersText? WindowLayers { get; init; }

    /// <summary>Layers that rotate no queries and keys; null: none.</summary>
    public LayersText? UnrotatedLayers { get; init; }

    public required int Intermediate { get; init; }

    /// <summary>Experts of a layer, each of <see cref="Intermediate"/> neurons; 0: there are none.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that compute a token.</summary>
    public int ActiveExperts { get; init; }

    public ExpertGating Gating { get; init; }

    public RouterInput Router { get; init; }

    public Activation Activation { get; init; }

    /// <summary>FATReLU's; 0 for any other activation.</summary>
    public float Threshold { get; init; }

    public bool Gated { get; init; } = true;

    public bool FeedForwardBiases { get; init; }

    /// <summary>LayerNorm instead of RMSNorm.</summary>
    public bool LayerNorm { get; init; }

    public float NormEpsilon { get; init; } = 1e-5f;

    public bool TiedEmbedding { get; init; }

    public float EmbeddingScale { get; init; } = 1f;

    /// <summary>What traits declare, such as <c>[Scales]</c>; an attribute's numbers one after the other.</summary>
    public IReadOnlyList<DeclaredTrait> Traits { get; init; } = [];

    /// <summary>Positions with a vector of their own; 0: none.</summary>
    public int LearnedPositions { get; init; }

    public int PositionOffset { get; init; }

    /// <summary>Rows of the table of learned positions; 0: there is none.</summary>
    public int PositionRows => LearnedPositions == 0 ? 0 : LearnedPositions + PositionOffset;

    /// <summary>Whether sessions show what they compute.</summary>
    public bool Observed { get; init; }

    /// <summary>The sign-bit predictor's, in every layer.</summary>
    public float Alpha { get; init; } = 1f;

    /// <summary>CATS's threshold, in every layer, in place of a predictor; null: it is not declared.</summary>
    public float? ActivationThreshold { get; init; }

    /// <summary>
    /// Policy attributes as C# has them, without brackets: in place of what <see cref="Alpha"/> and <see cref="ActivationThreshold"/>
    /// say; null: what they say.
    /// </summary>
    public IReadOnlyList<string>? Policies { get; init; }

    /// <summary>The policy attributes that are declared, without brackets.</summary>
    public IReadOnlyList<string> PolicyAttributes => Policies
        ?? (ActivationThreshold is { } smallest ? [Attribute("ActivationThreshold", ("Threshold", smallest))[1..^1]]
        : HasZeros ? [Attribute("SignBitPredictor", ("Alpha", Alpha))[1..^1]]
        : []);

    /// <summary>Where policies get strengths that their attributes do not set; null: they set them.</summary>
    public DeclaredProfile? Profile { get; init; }

    public IReadOnlyList<WeightType> Weights { get; init; } = [WeightType.F16];

    /// <summary>The GPU to plan for; null: none is declared.</summary>
    public string? Target { get; init; }

    /// <summary>Whether the activation has exact zeros, so that there is anything to skip or to predict.</summary>
    public bool HasZeros => Activation is not (Activation.Silu or Activation.Gelu);

    public int HeadSize => HeadDimension == 0 ? Hidden / Heads : HeadDimension;

    /// <summary>Whether any layer rotates queries and keys.</summary>
    public bool IsRotated => UnrotatedLayers is not { Layers: null };

    public int QueryWidth => Heads * HeadSize;

    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>A C# identifier like the name, which nothing else is called.</summary>
    public string ClassName
    {
        get
        {
            var text = new StringBuilder();
            bool upper = true;
            foreach (char c in Name)
            {
                if (!char.IsAsciiLetterOrDigit(c))
                {
                    upper = true;
                    if (c == '.' && text.Length > 0)
                    {
                        text.Append('_');
                    }

                    continue;
                }

                if (text.Length > 0 && char.IsAsciiDigit(c) && char.IsAsciiDigit(text[^1]) && upper)
                {
                    text.Append('_');
                }

                text.Append(upper ? char.ToUpperInvariant(c) : c);
                upper = false;
            }

            string name = text.Length == 0 || char.IsAsciiDigit(text[0]) ? "Model" + text : text.ToString();
            return TakenNames.Contains(name) ? name + "Model" : name;
        }
    }

    /// <summary>The declaration as C#: a file that a user could put into a project as it is.</summary>
    public string ToText()
    {
        var lines = new List<string>
        {
            "using SparseInfer;",
            "",
            $"/// <summary>{SecurityElement.Escape(Name)}, weights {string.Join(", ", Weights)}.</summary>",
            Attribute("DecoderModel", ("Hidden", Hidden), ("Layers", Layers), ("Vocabulary", Vocabulary), ("Context", Context)),
            Attribute(
                "Attention",
                ("Heads", Heads),
                ("KeyValueHeads", KeyValueHeads),
                ("HeadDimension", NotDefault(HeadDimension, 0)),
                ("RopeTheta", IsRotated ? RopeTheta : null),
                ("RopeScaling", IsRotated ? NotDefault(RopeScaling, 1f) : null),
                ("RopeDimensions", IsRotated ? NotDefault(RopeDimensions, 0) : null),
                ("RopePairing", IsRotated ? NotDefault(RopePairing, RopePairing.Interleaved) : null),
                ("QueryKeyValueBiases", NotDefault(QueryKeyValueBiases, false)),
                ("OutputBias", NotDefault(OutputBias, false)),
                ("QueryKeyNorms", NotDefault(QueryKeyNorms, false))),
        };
        if (WindowLayers is { } sliding)
        {
            lines.Add(Attribute("SlidingWindow", ("Window", Window), ("Layers", sliding.Layers), ("Period", NotDefault(sliding.Period, 0))));
        }

        if (UnrotatedLayers is { } unrotated)
        {
            lines.Add(Attribute("NoRope", ("Layers", unrotated.Layers), ("Period", NotDefault(unrotated.Period, 0))));
        }

        lines.AddRange(
        [
            Attribute(
                "FeedForward",
                ("Intermediate", Intermediate),
                ("Activation", Activation),
                ("Threshold", NotDefault(Threshold, 0f)),
                ("Gated", Gated),
                ("Biases", NotDefault(FeedForwardBiases, false))),
            Attribute(LayerNorm ? "LayerNorm" : "RmsNorm", ("Epsilon", NormEpsilon)),
        ]);
        if (Experts > 0)
        {
            lines.Insert(lines.Count - 1, Attribute(
                "Experts",
                ("Count", Experts),
                ("Active", ActiveExperts),
                ("Gating", NotDefault(Gating, ExpertGating.Softmax)),
                ("Router", NotDefault(Router, RouterInput.FeedForward))));
        }

        if (FrequencyScaling is { } scaling)
        {
            lines.Insert(ScalingLine, Scaling(scaling));
        }

        if (TiedEmbedding || EmbeddingScale != 1f || LearnedPositions > 0)
        {
            lines.Add(Attribute(
                "Embedding",
                ("Tied", NotDefault(TiedEmbedding, false)),
                ("Scale", NotDefault(EmbeddingScale, 1f)),
                ("LearnedPositions", NotDefault(LearnedPositions, 0)),
                ("PositionOffset", NotDefault(PositionOffset, 0))));
        }

        foreach (var trait in Traits.GroupBy(trait => trait.Attribute))
        {
            lines.Add(Attribute(trait.Key, [.. trait.Where(number => number.Property.Length > 0).Select(number => (number.Property, number.Value == (int)number.Value ? (object?)(int)number.Value : number.Value))]));
        }

        if (Observed)
        {
            lines.Add(Attribute("Observed"));
        }

        if (Profile is not null)
        {
            lines.Add($"[SparsityProfile(\"{Profile.Name}\")]");
        }

        lines.AddRange(PolicyAttributes.Select(policy => $"[{policy}]"));
        lines.Add($"[Weights({string.Join(", ", Weights.Select(Value))})]");
        if (Target is not null)
        {
            lines.Add($"[Target(\"{Target}\")]");
        }

        lines.Add($"public sealed partial class {ClassName};");
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>After attention's.</summary>
    private const int ScalingLine = 5;

    private static string Scaling(RopeScaling scaling) => scaling switch
    {
        YarnScaling yarn => Attribute(
            "YarnScaling",
            ("Factor", (float)yarn.Factor),
            ("OriginalContext", yarn.OriginalContext),
            ("BetaFast", NotDefault((float)yarn.BetaFast, 32f)),
            ("BetaSlow", NotDefault((float)yarn.BetaSlow, 1f)),
            ("AttentionFactor", NotDefault((float)yarn.AttentionFactor, (float)YarnScaling.UsualAttentionFactor(yarn.Factor)))),
        Llama3Scaling llama => Attribute(
            "Llama3Scaling",
            ("Factor", (float)llama.Factor),
            ("OriginalContext", llama.OriginalContext),
            ("LowFrequencyFactor", NotDefault((float)llama.LowFrequencyFactor, 1f)),
            ("HighFrequencyFactor", NotDefault((float)llama.HighFrequencyFactor, 4f))),
        _ => "[FrequencyFactors]",
    };

    private static object? NotDefault<T>(T value, T usual)
        where T : struct => value.Equals(usual) ? null : value;

    private static string Attribute(string name, params ReadOnlySpan<(string Name, object? Value)> properties)
    {
        var written = new List<string>();
        foreach ((string property, object? value) in properties)
        {
            if (value is not null)
            {
                written.Add($"{property} = {Value(value)}");
            }
        }

        return written.Count == 0 ? $"[{name}]" : $"[{name}({string.Join(", ", written)})]";
    }

    /// <summary>The shortest text that reads back as the same number, without an exponent as far as a decimal reaches.</summary>
    private static string Text(float value)
    {
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        return decimal.TryParse(shortest, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal plain) && (float)plain == value
            ? plain.ToString(CultureInfo.InvariantCulture)
            : shortest;
    }

    private static string Value<T>(T value) => value switch
    {
        bool b => b ? "true" : "false",
        float.NaN => "float.NaN",
        float.PositiveInfinity => "float.PositiveInfinity",
        float.NegativeInfinity => "float.NegativeInfinity",
        float f => Text(f) + "f",
        string s => $"\"{s}\"",
        int i => i.ToString(CultureInfo.InvariantCulture),
        Enum e => $"{e.GetType().Name}.{e}",
        _ => throw new ArgumentOutOfRangeException(nameof(value), value, "No attribute takes such a value."),
    };
}
