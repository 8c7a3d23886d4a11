using SparseInfer;

namespace Stories;

/// <summary>A declared model in one of its modes: what is measured against the others.</summary>
/// <param name="Name">For people.</param>
/// <param name="Model">The model.</param>
/// <param name="Mode">What it skips.</param>
internal sealed record Contender(string Name, LanguageModel Model, SparsityMode Mode)
{
    /// <summary>What acts in a layer: the declared policy in <see cref="SparsityMode.Predicted"/>, else the mode itself.</summary>
    public string PolicyOf(int layer) => Mode switch
    {
        SparsityMode.Predicted => Model.Shape.PolicyOf(layer),
        SparsityMode.Exact => "exact",
        _ => "dense",
    };
}

/// <summary>What was measured of a contender.</summary>
/// <param name="Contender">Of which.</param>
/// <param name="TokensPerSecond">Decoding alone; NaN where the prompt left no room to decode.</param>
/// <param name="Perplexity">On the held-out text.</param>
/// <param name="Layers">What each layer did on the held-out text.</param>
internal sealed record Measurement(Contender Contender, double TokensPerSecond, double Perplexity, IReadOnlyList<LayerMetrics> Layers)
{
    /// <summary>Bytes that the feed-forwards of all layers touch for a token.</summary>
    public double BytesPerToken => Layers.Sum(layer => layer.BytesPerToken);
}
