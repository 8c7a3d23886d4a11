namespace SparseInfer;

/// <summary>What weight matrices of a model are for; several as <c>WeightRole.Attention | WeightRole.Head</c>.</summary>
[Flags]
public enum WeightRole
{
    /// <summary>Every matrix that no other <c>[Weights]</c> names.</summary>
    None = 0,

    /// <summary>The token embedding, which is the output head too where that is tied to it, and learned positions.</summary>
    Embedding = 1,

    /// <summary>Query, key, value and output projection of every layer.</summary>
    Attention = 2,

    /// <summary>Gate, up and down of every layer, and of every expert.</summary>
    FeedForward = 4,

    /// <summary>The output head, where it is not tied to the embedding.</summary>
    Head = 8,
}
