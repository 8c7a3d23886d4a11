using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Embed;

/// <summary>What <c>sparseinfer embed</c> was asked for.</summary>
internal sealed record EmbedOptions
{
    public required ModelRequest Model { get; init; }

    /// <summary>At least one, none of them empty.</summary>
    public required IReadOnlyList<string> Texts { get; init; }

    /// <summary>What becomes of tokens' vectors; null: what the file says.</summary>
    public EmbeddingPooling? Pooling { get; init; }

    /// <summary>llama.cpp's number of a length that vectors are scaled to: <see cref="EmbeddingNorm"/>.</summary>
    public int Norm { get; init; } = EmbeddingNorm.Euclidean;

    public EmbeddingFormat Format { get; init; }
}

/// <summary>How vectors are written, by llama.cpp's names.</summary>
internal enum EmbeddingFormat
{
    /// <summary>A line for each.</summary>
    Lines,

    /// <summary>An array of arrays.</summary>
    Array,

    /// <summary>As OpenAI's service writes them.</summary>
    Json,

    /// <summary>The same, and how similar they are.</summary>
    JsonAndSimilarity,
}
