using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>A whole decoder, as the user declared it, with every default filled in. Sizes are positive and consistent.</summary>
/// <param name="Device">The GPU to plan for, by its name in the table of devices: an architecture is resolved to a device.</param>
internal sealed record ModelSpec(
    TargetSpec Target,
    int Layers,
    int Vocabulary,
    int Context,
    FeedForwardSpec FeedForward,
    AttentionSpec Attention,
    NormSpec Norm,
    EmbeddingSpec Embedding,
    EquatableArray<LayerPolicy> Policies,
    EquatableArray<WeightType> Weights,
    string Device)
{
    public int Hidden => FeedForward.Hidden;

    /// <summary>The types of each role, where roles differ; empty: <see cref="Weights"/>, which else are those of all roles together.</summary>
    public EquatableArray<RoleWeights> WeightsByRole { get; init; }

    /// <summary>The types that a role's matrices may have; of none: those that no role names.</summary>
    public EquatableArray<WeightType> TypesOf(WeightRole role) => WeightsByRole.FirstOrDefault(weights => weights.Role == role)?.Types ?? Weights;

    /// <summary>The types of gate, up and down.</summary>
    public EquatableArray<WeightType> FeedForwardTypes => TypesOf(WeightRole.FeedForward);

    /// <summary>Whether a file may have matrices of one role in several types.</summary>
    public bool MixesTypes => RoleWeights.Roles.Any(role => TypesOf(role).Count > 1);

    /// <summary>The types, and what each role has where roles differ.</summary>
    public string DescribeWeights() => DescribeWeights(types => string.Join(", ", types));

    /// <summary>The same of the first types alone: those that bytes are told for.</summary>
    public string DescribeFirst() => DescribeWeights(types => $"{types[0]}");

    private string DescribeWeights(Func<EquatableArray<WeightType>, string> describe) => WeightsByRole.Count == 0 ? describe(Weights) : string.Join(
        "; ",
        RoleWeights.Roles.Where(role => !(role == WeightRole.Head && Embedding.Tied)).GroupBy(role => describe(TypesOf(role))).Select(
            group => $"{group.Key} in {string.Join(", ", group.Select(RoleWeights.Name))}"));

    /// <summary>
    /// Policies of sites other than neurons, sorted by site and layer. In layers that they leave out, all of the site is computed. Those of neurons are in
    /// <see cref="Policies"/>.
    /// </summary>
    public EquatableArray<LayerPolicy> SitePolicies { get; init; }

    /// <summary>The experts that each layer's feed-forward is; null: it is one.</summary>
    public ExpertsSpec? Experts { get; init; }

    /// <summary>How it differs from a plain decoder, in the order in which the program is rewritten.</summary>
    public EquatableArray<TraitSpec> Traits { get; init; }

    /// <summary>What the method that makes its programs is called: nothing else in the user's class is.</summary>
    public string Creator { get; init; } = "CreateProgram";
}

/// <summary>A feed-forward layer alone: a static partial property <c>Target.Name</c> of its containing types.</summary>
/// <param name="Modifiers">The property's modifiers as they must be repeated: <c>public static partial</c>.</param>
/// <param name="Device">The GPU to plan for, as in <see cref="ModelSpec"/>.</param>
internal sealed record LayerSpec(
    TargetSpec Target,
    string Modifiers,
    FeedForwardSpec FeedForward,
    PolicySpec Policy,
    EquatableArray<WeightType> Weights,
    string Device);

/// <summary>The feed-forward block's shape. Everything a kernel depends on but the weight type and the policy.</summary>
/// <param name="Threshold">FATReLU's threshold as the shortest decimal that reads back as the declared float; "0" for the others.</param>
internal sealed record FeedForwardSpec(int Hidden, int Intermediate, Activation Activation, string Threshold, bool Gated, bool Biases)
{
    /// <summary>Gaussian top-k's share of neurons below the cut, as a decimal; "0" for the others.</summary>
    public string Sparsity { get; init; } = "0";
}

/// <summary>Experts, each a feed-forward, of which a router chooses some for each token.</summary>
/// <param name="Count">Experts of a layer.</param>
/// <param name="Active">Experts that compute a token; no more.</param>
/// <param name="Gating">How the chosen ones' logits become weights.</param>
/// <param name="Router">What the router reads.</param>
internal sealed record ExpertsSpec(int Count, int Active, ExpertGating Gating, RouterInput Router);

/// <summary>Attention, with KeyValueHeads, HeadDimension and RopeDimensions resolved; 0 of these: nothing is rotated.</summary>
internal sealed record AttentionSpec(
    int Heads,
    int KeyValueHeads,
    int HeadDimension,
    float RopeTheta,
    float RopeScaling,
    int RopeDimensions,
    RopePairing RopePairing,
    bool QueryKeyValueBiases,
    bool OutputBias,
    bool QueryKeyNorms)
{
    /// <summary>How far layers look back; those of none look back to the first token.</summary>
    public EquatableArray<AttentionWindow> Windows { get; init; }

    /// <summary>Layers that do not rotate, where others do; null: none.</summary>
    public LayerPattern? Unrotated { get; init; }

    /// <summary>How far a layer looks back; null: to the first token.</summary>
    public int? WindowOf(int layer) => Windows.FirstOrDefault(window => window.Layers.Contains(layer))?.Window;

    /// <summary>Whether any layer rotates queries and keys.</summary>
    public bool IsRotated => RopeDimensions > 0;

    /// <summary>How rotary frequencies are scaled, beyond <see cref="RopeScaling"/>; null: not at all.</summary>
    public RopeScalingSpec? Scaling { get; init; }
}

internal enum NormKind
{
    Rms,
    Layer,
}

internal sealed record NormSpec(NormKind Kind, float Epsilon);

/// <param name="Tied">Whether the output head is the token embedding.</param>
/// <param name="Scale">What rows are multiplied by.</param>
internal sealed record EmbeddingSpec(bool Tied, float Scale)
{
    /// <summary>Positions with a vector of their own; 0: none.</summary>
    public int LearnedPositions { get; init; }

    /// <summary>Rows before that of position 0.</summary>
    public int PositionOffset { get; init; }
}
