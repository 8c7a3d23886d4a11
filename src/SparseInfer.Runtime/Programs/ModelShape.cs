using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>A declared model's sizes, in elements, as the generator wrote them down.</summary>
public sealed record ModelShape
{
    /// <summary>Name of the declaring class.</summary>
    public required string Name { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    /// <summary>Neurons of each feed-forward; of each expert, where there are experts.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of tokens.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int Context { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Number of key and value heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements a head.</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public required float RopeTheta { get; init; }

    /// <summary>Factor that positions are divided by before the rotation.</summary>
    public required float RopeScaling { get; init; }

    /// <summary>Rotated dimensions of a head; 0: no layer rotates.</summary>
    public required int RopeDimensions { get; init; }

    /// <summary>Which dimensions of a head GGUF files of the model pair.</summary>
    public required RopePairing RopePairing { get; init; }

    /// <summary>How rotary frequencies are scaled, beyond <see cref="RopeScaling"/>; null: not at all, or by factors that the file has.</summary>
    public RopeScaling? FrequencyScaling { get; init; }

    /// <summary>Whether the norms are LayerNorm; else RMSNorm.</summary>
    public required bool LayerNorm { get; init; }

    /// <summary>The norms' epsilon.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The feed-forward's activation.</summary>
    public required Activation Activation { get; init; }

    /// <summary>FATReLU's threshold; 0 for any other activation.</summary>
    public required float Threshold { get; init; }

    /// <summary>Gaussian top-k's share of neurons below the cut; 0 for any other activation.</summary>
    public float Sparsity { get; init; }

    /// <summary>Whether the feed-forward has a gate.</summary>
    public required bool Gated { get; init; }

    /// <summary>Whether the output head is the embedding.</summary>
    public required bool TiedEmbedding { get; init; }

    /// <summary>What every embedding row is multiplied by.</summary>
    public required float EmbeddingScale { get; init; }

    /// <summary>Positions for which a vector was learned; 0: positions are not learned.</summary>
    public int LearnedPositions { get; init; }

    /// <summary>Rows of the learned positions' table before that of position 0.</summary>
    public int PositionOffset { get; init; }

    /// <summary>Layers whose attention looks back over a window, ascending; the others look back to the first token.</summary>
    public IReadOnlyList<LayerWindow> Windows { get; init; } = [];

    /// <summary>Layers that do not rotate queries and keys where others do, ascending.</summary>
    public IReadOnlyList<int> UnrotatedLayers { get; init; } = [];

    /// <summary>Experts of each layer; 0: its feed-forward is one.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that compute a token; 0 without experts.</summary>
    public int ActiveExperts { get; init; }

    /// <summary>How experts' logits become weights.</summary>
    public ExpertGating Gating { get; init; }

    /// <summary>What the router of experts reads.</summary>
    public RouterInput Router { get; init; }

    /// <summary>Neurons of a layer that a token has when none is skipped: those of the experts chosen for it.</summary>
    internal int ActiveNeurons => Math.Max(1, ActiveExperts) * Intermediate;

    /// <summary>What <see cref="SparsityMode.Predicted"/> does, layers ascending.</summary>
    public required IReadOnlyList<LayerPolicy> Policies { get; init; }

    /// <summary>What <see cref="SparsityMode.Predicted"/> does outside of layers, each in a word or two: <c>vocabulary 256</c>.</summary>
    public IReadOnlyList<string> ModelPolicies { get; init; } = [];

    /// <summary>What traits declare, such as <c>[Scales]</c>: numbers that are other than a plain decoder's.</summary>
    public IReadOnlyList<DeclaredTrait> Traits { get; init; } = [];

    /// <summary>The policy of a layer, in a word or two: <c>sign-bit 1.03</c>, <c>exact</c>.</summary>
    /// <param name="layer">0 to <see cref="Layers"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public string PolicyOf(int layer)
    {
        foreach (LayerPolicy policy in Policies)
        {
            if (layer >= policy.First && layer <= policy.Last)
            {
                return policy.Name;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(layer), layer, $"{Name} has layers 0 to {Layers - 1}.");
    }

    /// <summary>How far a layer's attention looks back, in positions, a token's own included; 0: to the first token.</summary>
    internal int WindowOf(int layer) => Windows.Where(window => layer >= window.First && layer <= window.Last).Select(window => window.Window).FirstOrDefault();

    internal bool IsUnrotated(int layer) => RopeDimensions == 0 || UnrotatedLayers.Contains(layer);

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ModelShape),
        (nameof(Name), Name),
        (nameof(Hidden), Hidden),
        (nameof(Intermediate), Intermediate),
        (nameof(Layers), Layers),
        (nameof(Vocabulary), Vocabulary),
        (nameof(Context), Context),
        (nameof(Heads), Heads),
        (nameof(KeyValueHeads), KeyValueHeads),
        (nameof(HeadDimension), HeadDimension),
        (nameof(RopeTheta), RopeTheta),
        (nameof(RopeScaling), RopeScaling),
        (nameof(RopeDimensions), RopeDimensions),
        (nameof(RopePairing), RopePairing),
        (nameof(FrequencyScaling), FrequencyScaling),
        (nameof(NormEpsilon), NormEpsilon),
        (nameof(Activation), Activation),
        (nameof(Gated), Gated),
        (nameof(TiedEmbedding), TiedEmbedding),
        (nameof(Experts), Experts),
        (nameof(ActiveExperts), ActiveExperts),
        (nameof(Gating), Gating),
        (nameof(Router), Router),
        (nameof(Policies), Policies),
        (nameof(ModelPolicies), ModelPolicies.Count == 0 ? (object)"none" : ModelPolicies),
        (nameof(Traits), Traits.Count == 0 ? (object)"none" : Traits));
}

/// <summary>A number by which a model differs from a plain decoder, as declared.</summary>
/// <param name="Attribute">The attribute, as it is written: <c>Scales</c>.</param>
/// <param name="Property">Its property: <c>Residual</c>; empty: the attribute has none.</param>
/// <param name="Value">The number; 1 where there is no property.</param>
public readonly record struct DeclaredTrait(string Attribute, string Property, float Value)
{
    /// <summary><c>[Scales] Residual = 0.25</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"[{Attribute}] {Property} = {Value}");
}

/// <summary>How far successive layers look back, as declared.</summary>
/// <param name="First">The first layer.</param>
/// <param name="Last">The last layer, included.</param>
/// <param name="Window">Positions that a token attends to, its own included.</param>
public readonly record struct LayerWindow(int First, int Last, int Window)
{
    /// <summary><c>layers 1 to 3: 4096</c>.</summary>
    public override string ToString() => First == Last
        ? FormattableString.Invariant($"layer {First}: {Window}")
        : FormattableString.Invariant($"layers {First} to {Last}: {Window}");
}

/// <summary>The sparsity policy of successive layers, as declared.</summary>
/// <param name="First">The first layer.</param>
/// <param name="Last">The last layer, included.</param>
/// <param name="Name">Its name and parameter in a word or two, for people.</param>
public readonly record struct LayerPolicy(int First, int Last, string Name)
{
    /// <summary><c>layers 0 to 5: sign-bit 1.03</c>.</summary>
    public override string ToString() => First == Last
        ? FormattableString.Invariant($"layer {First}: {Name}")
        : FormattableString.Invariant($"layers {First} to {Last}: {Name}");
}
