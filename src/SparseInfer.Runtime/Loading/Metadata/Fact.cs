namespace SparseInfer.Loading;

/// <summary>A number that a model file can say and a declaration says too.</summary>
internal enum Fact
{
    Layers,
    Hidden,
    Vocabulary,
    Intermediate,

    /// <summary>Experts of a layer; 0: its feed-forward is one.</summary>
    Experts,
    ActiveExperts,

    /// <summary>How experts' logits become weights, as GGUF files number it: 1 softmax, 2 sigmoid.</summary>
    ExpertGating,
    Heads,
    KeyValueHeads,
    HeadDimension,
    Context,
    NormEpsilon,
    RopeTheta,
    RopeScaling,
    RopeDimensions,

    /// <summary>Rotated dimensions as a share of a head; becomes <see cref="RopeDimensions"/>.</summary>
    RopeFraction,
    EmbeddingScale,

    /// <summary>How many tokens attention looks back; 0: all.</summary>
    Window,

    /// <summary>FATReLU's.</summary>
    Threshold,
}

/// <summary>A fact and where it comes from.</summary>
/// <param name="Fact">Which.</param>
/// <param name="Value">Its value.</param>
/// <param name="Text">Key and value as a sentence begins: <c>'llama.block_count' is 5</c>.</param>
/// <param name="FromSizes">Whether it follows from other facts, and is wrong where they are.</param>
internal sealed record StatedFact(Fact Fact, double Value, string Text, bool FromSizes = false);
