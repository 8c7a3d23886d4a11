namespace SparseInfer.Generators.Tests.Execution;

/// <summary>One declaration of a tiny decoder, and what it means.</summary>
internal sealed record DecoderCase(string Name)
{
    public int Hidden { get; init; } = 64;

    public int Layers { get; init; } = 3;

    public int Vocabulary { get; init; } = 61;

    /// <summary>Longer than a batch of prompt tokens.</summary>
    public int Context { get; init; } = 80;

    public int Heads { get; init; } = 4;

    public int KeyValueHeads { get; init; } = 2;

    /// <summary>0: not declared.</summary>
    public int DeclaredHeadDimension { get; init; }

    /// <summary>0: not declared.</summary>
    public int DeclaredRopeDimensions { get; init; }

    public float RopeTheta { get; init; } = 10000;

    public float RopeScaling { get; init; } = 1;

    /// <summary>YaRN, where it is declared.</summary>
    public (int Factor, int OriginalContext)? Yarn { get; init; }

    /// <summary>The divisor of each pair's frequency, where the file has them.</summary>
    public float[]? FrequencyFactors { get; init; }

    public RopePairing Pairing { get; init; }

    public bool QueryKeyValueBiases { get; init; }

    public bool OutputBias { get; init; }

    public bool QueryKeyNorms { get; init; }

    /// <summary>How far a layer's attention looks back; null: to the first token.</summary>
    public Func<int, int?> Window { get; init; } = _ => null;

    /// <summary>Whether a layer rotates nothing.</summary>
    public Func<int, bool> IsUnrotated { get; init; } = _ => false;

    /// <summary>Whether the source says how heads are rotated.</summary>
    public bool IsRotated { get; init; } = true;

    /// <summary>Whether files say that it is of an architecture that has all of this.</summary>
    public bool HasArchitecture { get; init; } = true;

    public int Intermediate { get; init; } = 96;

    public Activation Activation { get; init; }

    /// <summary>FATReLU's; declared only with it.</summary>
    public float FatReluThreshold { get; init; } = 0.1f;

    /// <summary>Gaussian top-k's; declared only with it: one of those whose quantile the reference knows.</summary>
    public float Sparsity { get; init; } = 0.8f;

    public bool Gated { get; init; } = true;

    public bool FeedForwardBiases { get; init; }

    /// <summary>Experts of a layer, each of so many neurons; 0: none are declared.</summary>
    public int Experts { get; init; }

    public int ActiveExperts { get; init; }

    public ExpertGating Gating { get; init; }

    public RouterInput Router { get; init; }

    public bool LayerNorm { get; init; }

    public bool Tied { get; init; }

    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Positions that are learned; 0: none.</summary>
    public int LearnedPositions { get; init; }

    public int PositionOffset { get; init; }

    public WeightType[] Weights { get; init; } = [WeightType.F32];

    /// <summary>Types of roles that have others.</summary>
    public (WeightRole Role, WeightType[] Types)[] RoleWeights { get; init; } = [];

    /// <summary>Types of a file's matrix, by its name: of the role that it belongs to.</summary>
    public WeightType[] TypesOf(string name)
    {
        WeightRole role = name switch
        {
            "output.weight" => WeightRole.Head,
            "token_embd.weight" or "position_embd.weight" => WeightRole.Embedding,
            _ => name.Contains(".attn_", StringComparison.Ordinal) ? WeightRole.Attention : WeightRole.FeedForward,
        };
        return RoleWeights.FirstOrDefault(weights => weights.Role.HasFlag(role)).Types ?? Weights;
    }

    /// <summary>Every type that a matrix may have.</summary>
    public IEnumerable<WeightType> AllWeights => RoleWeights.SelectMany(weights => weights.Types).Concat(Weights).Distinct();

    /// <summary>Whether files of several types store down in another one than gate and up of its layer.</summary>
    public bool MixesDown { get; init; }

    /// <summary>Policy of each layer: Exact or Dense, or a predictor's alpha.</summary>
    public decimal?[] Alphas { get; init; } = [];

    /// <summary>CATS on every layer; 0: not declared.</summary>
    public float ActivationThreshold { get; init; }

    /// <summary>CHESS in each of these layers, CATS or Dense in the others.</summary>
    public int[] NeuronThresholds { get; init; } = [];

    /// <summary>Each layer's trained predictor; null: the layer is Dense.</summary>
    public LowRankCase?[] Predictors { get; init; } = [];

    /// <summary>The share of neurons that prompts choose in each layer; null: the layer has its predictor, or is Dense.</summary>
    public float?[] PromptKeeps { get; init; } = [];

    /// <summary>How many neurons prompts choose in a layer; null: they choose none.</summary>
    public int? PromptCount(int layer) => PromptKeeps.ElementAtOrDefault(layer) is { } keep ? (int)Math.Ceiling((decimal)keep * Intermediate) : null;

    /// <summary>The head's predictor; null: every word is computed.</summary>
    public WordCase? Words { get; init; }

    /// <summary>How each layer chooses heads; null: it attends with all.</summary>
    public HeadCase?[] HeadChoices { get; init; } = [];

    /// <summary>Each layer's thresholds on the inputs of attention's projections, 0: none; null: the layer has no such attribute.</summary>
    public (float Heads, float Output)?[] InputThresholds { get; init; } = [];

    /// <summary>The same on the feed-forward's input and on down's: layers that have them have <see cref="InputThresholds"/> too.</summary>
    public (float FeedForward, float Down)[] FeedForwardThresholds { get; init; } = [];

    /// <summary>What each layer's four thresholds are measured from, in that order.</summary>
    public (float Heads, float Output, float FeedForward, float Down)[] Centres { get; init; } = [];

    /// <summary>Whether each layer's thresholds are on magnitudes times the norms of columns.</summary>
    public bool[] ColumnNorms { get; init; } = [];

    /// <summary>Whether every neuron is declared to be computed.</summary>
    public bool IsDense { get; init; }

    /// <summary>What its file says it is, and keys beside those that every file has, without that name; null: the plain decoder that it looks like.</summary>
    public (string Architecture, (string Key, float Value)[] Keys)? File { get; init; }

    /// <summary>Attributes beside those that every model has, as a user writes them.</summary>
    public string[] Traits { get; init; } = [];

    /// <summary>What stands before and after the declared class, the class's modifiers, and its full name.</summary>
    public (string Before, string Modifiers, string After, string FullName) Place { get; init; } = ("", "public sealed", "", "");

    public int HeadDimension => DeclaredHeadDimension == 0 ? Hidden / Heads : DeclaredHeadDimension;

    public int RopeDimensions => DeclaredRopeDimensions == 0 ? HeadDimension : DeclaredRopeDimensions;

    public string FullName => Place.FullName.Length == 0 ? Name : Place.FullName;

    public const float Epsilon = 1e-5f;

    public override string ToString() => Name;

    /// <summary>A file with the declaration, as a user writes it.</summary>
    public string Source => FormattableString.Invariant($$"""
        using SparseInfer;

        {{Place.Before}}
        /// <summary>A decoder.</summary>
        [DecoderModel(Hidden = {{Hidden}}, Layers = {{Layers}}, Vocabulary = {{Vocabulary}}, Context = {{Context}})]
        [Attention(
            Heads = {{Heads}}, KeyValueHeads = {{KeyValueHeads}}, HeadDimension = {{DeclaredHeadDimension}},{{Rotation}}
            QueryKeyValueBiases = {{Bool(QueryKeyValueBiases)}}, OutputBias = {{Bool(OutputBias)}}{{(QueryKeyNorms ? ", QueryKeyNorms = true" : "")}})]
        [FeedForward(
            Intermediate = {{Intermediate}}, Activation = Activation.{{Activation}}{{Threshold}},
            Gated = {{Bool(Gated)}}, Biases = {{Bool(FeedForwardBiases)}})]
        [{{(LayerNorm ? "LayerNorm" : "RmsNorm")}}(Epsilon = {{Epsilon}}f)]
        [Embedding(Tied = {{Bool(Tied)}}, Scale = {{EmbeddingScale}}f{{(LearnedPositions == 0 ? "" : $", LearnedPositions = {LearnedPositions}, PositionOffset = {PositionOffset}")}})]
        {{Types(Weights, "")}}{{string.Concat(RoleWeights.Select(weights => "\n" + Types(weights.Types, ", Role = " + RoleText(weights.Role))))}}
        {{string.Join("\n", Policies().Concat(Traits).Concat(ExpertAttributes()))}}
        {{Place.Modifiers}} partial class {{Name}};
        {{Place.After}}
        """);

    private static string Types(WeightType[] types, string role) => $"[Weights({string.Join(", ", types.Select(type => $"WeightType.{type}"))}{role})]";

    private static string RoleText(WeightRole roles) => string.Join(" | ", roles.ToString().Split(", ").Select(role => $"WeightRole.{role}"));

    private string Rotation => !IsRotated ? "" : FormattableString.Invariant($"""
         RopeTheta = {RopeTheta}f,
            RopeScaling = {RopeScaling}f, RopeDimensions = {DeclaredRopeDimensions}, RopePairing = RopePairing.{Pairing},
        """);

    private string Threshold => Activation switch
    {
        Activation.FatRelu => FormattableString.Invariant($", Threshold = {FatReluThreshold}f"),
        Activation.GaussianTopK => FormattableString.Invariant($", Sparsity = {Sparsity}f"),
        _ => "",
    };

    private IEnumerable<string> ExpertAttributes() => Experts == 0 ? [] : [FormattableString.Invariant(
        $"[Experts(Count = {Experts}, Active = {ActiveExperts}, Gating = ExpertGating.{Gating}, Router = RouterInput.{Router})]")];

    private IEnumerable<string> Policies()
    {
        if (Yarn is var (factor, original))
        {
            yield return $"[YarnScaling(Factor = {factor}, OriginalContext = {original})]";
        }

        if (FrequencyFactors is not null)
        {
            yield return "[FrequencyFactors]";
        }

        if (IsDense)
        {
            yield return "[Dense]";
        }

        int[] others = [.. Enumerable.Range(0, Layers).Except(NeuronThresholds)];
        if (ActivationThreshold > 0)
        {
            yield return FormattableString.Invariant($"[ActivationThreshold(Threshold = {ActivationThreshold}f{(NeuronThresholds.Length > 0 ? $", Layers = \"{string.Join(", ", others)}\"" : "")})]");
        }
        else if (NeuronThresholds.Length > 0 && others.Length > 0)
        {
            yield return $"[Dense(Layers = \"{string.Join(", ", others)}\")]";
        }

        if (NeuronThresholds.Length > 0)
        {
            yield return $"[ActivationThreshold(PerNeuron = true, Layers = \"{string.Join(", ", NeuronThresholds)}\")]";
        }

        if (Words is { } words)
        {
            yield return FormattableString.Invariant($"[VocabularyPredictor(Rank = {words.Rank}, Threshold = {words.Threshold}f)]");
        }

        for (int layer = 0; layer < InputThresholds.Length; layer++)
        {
            if (InputThresholds[layer] is var (heads, output))
            {
                (float feedForward, float down) = FeedForwardThresholds.ElementAtOrDefault(layer);
                string ofNeurons = FeedForwardThresholds.Length == 0 ? "" : FormattableString.Invariant($"FeedForward = {feedForward}f, Down = {down}f, ");
                (float Heads, float Output, float FeedForward, float Down) at = Centres.ElementAtOrDefault(layer);
                string centres = Centres.Length == 0 ? ""
                    : FormattableString.Invariant($"HeadsCentre = {at.Heads}f, OutputCentre = {at.Output}f, FeedForwardCentre = {at.FeedForward}f, DownCentre = {at.Down}f, ");
                string norms = ColumnNorms.ElementAtOrDefault(layer) ? "ColumnNorms = true, " : "";
                yield return FormattableString.Invariant($"[InputThreshold(Heads = {heads}f, Output = {output}f, {ofNeurons}{centres}{norms}Layers = \"{layer}\")]");
            }
        }

        for (int layer = 0; layer < HeadChoices.Length; layer++)
        {
            if (HeadChoices[layer] is { } heads)
            {
                yield return FormattableString.Invariant($"[HeadSparsity(Keep = {heads.Keep}f{(!heads.Router ? "" : $", Router = true, Bias = {Bool(heads.Bias)}")}, Layers = \"{layer}\")]");
            }
        }

        for (int layer = 0; layer < Math.Max(Predictors.Length, PromptKeeps.Length); layer++)
        {
            yield return PromptKeeps.ElementAtOrDefault(layer) is { } keep ? FormattableString.Invariant($"[PromptNeurons(Keep = {keep}f, Layers = \"{layer}\")]")
                : Predictors.ElementAtOrDefault(layer)?.Attribute(layer) ?? $"[Dense(Layers = \"{layer}\")]";
        }

        for (int layer = 0; layer < Alphas.Length; layer++)
        {
            yield return Alphas[layer] is { } alpha
                ? FormattableString.Invariant($"[SignBitPredictor(Alpha = {alpha}f, Layers = \"{layer}\")]")
                : $"[ExactSparsity(Layers = \"{layer}\")]";
        }
    }

    private static string Bool(bool value) => value ? "true" : "false";
}

/// <summary>A layer's trained predictor.</summary>
/// <param name="IsSvd">Whether it is declared as a truncated SVD: of the normed input, without ReLU, with a bias.</param>
/// <param name="Keep">The share of neurons that is kept; 0: scores are compared with the threshold.</param>
/// <param name="Count">How many are kept; 0: no number is declared.</param>
/// <param name="Lookahead">How many layers before the input is.</param>
internal sealed record LowRankCase(
    int Rank, PredictorInput Input = PredictorInput.Residual, bool Relu = true, bool Bias = false, float Threshold = 0, float Keep = 0, int Count = 0, bool IsSvd = false, int Lookahead = 0)
{
    /// <summary>Which scores are too low.</summary>
    public bool[] IsLow(double[] scores)
    {
        if (Keep == 0 && Count == 0)
        {
            return [.. scores.Select(score => score < Threshold)];
        }

        int count = Count > 0 ? Count : (int)Math.Ceiling((decimal)Keep * scores.Length);
        HashSet<int> best = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(count)];
        return [.. scores.Select((_, i) => !best.Contains(i))];
    }

    /// <summary>A truncated SVD.</summary>
    public static LowRankCase Svd(int rank, float threshold = 0) => new(rank, PredictorInput.Normed, Relu: false, Bias: true, threshold, IsSvd: true);

    public string Attribute(int layer) => IsSvd
        ? FormattableString.Invariant($"[TruncatedSvdPredictor(Rank = {Rank}, {Choice}, Layers = \"{layer}\")]")
        : FormattableString.Invariant($"[LowRankPredictor(Rank = {Rank}, Input = PredictorInput.{Input}, ")
        + FormattableString.Invariant($"Relu = {(Relu ? "true" : "false")}, Bias = {(Bias ? "true" : "false")}{(Lookahead == 0 ? "" : $", Lookahead = {Lookahead}")}, {Choice}, Layers = \"{layer}\")]");

    private string Choice => Count > 0 ? FormattableString.Invariant($"Count = {Count}")
        : Keep > 0 ? FormattableString.Invariant($"Keep = {Keep}f")
        : FormattableString.Invariant($"Threshold = {Threshold}f");
}

/// <summary>How a layer chooses heads.</summary>
internal sealed record HeadCase(float Keep, bool Router = false, bool Bias = true)
{
    /// <summary>Which key-value heads are kept: those with the largest scores, of equals the first.</summary>
    public HashSet<int> Kept(double[] scores) =>
        [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).Take((int)Math.Ceiling((decimal)Keep * scores.Length))];
}

/// <summary>The head's trained predictor.</summary>
/// <param name="Flat">Whether the file has its two matrices in one tensor, as SmallThinker's do.</param>
internal sealed record WordCase(int Rank, float Threshold = 0, bool Flat = false);
