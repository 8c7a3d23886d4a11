namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>What OpenAI's service answers with vectors. Properties' names, in snake case, are its own.</summary>
/// <typeparam name="T">How the elements of a vector are sent.</typeparam>
internal sealed record EmbeddingReply<T>(string Object, IReadOnlyList<EmbeddingData<T>> Data, string Model, EmbeddingUsage Usage)
{
    /// <summary>The answer.</summary>
    /// <param name="embeddings">A vector each.</param>
    /// <param name="model">What the model is called.</param>
    /// <param name="write">How a vector is sent.</param>
    public static EmbeddingReply<T> Of(IReadOnlyList<TextEmbedding> embeddings, string model, Func<ReadOnlyMemory<float>, ReadOnlyMemory<T>> write) => new(
        "list",
        [.. embeddings.Select((embedding, i) => new EmbeddingData<T>("embedding", write(embedding.Values), i))],
        model,
        EmbeddingUsage.Of(embeddings));
}

/// <summary>A vector: numbers, or bytes, which are written in base 64.</summary>
internal sealed record EmbeddingData<T>(string Object, ReadOnlyMemory<T> Embedding, int Index);

/// <summary>Tokens, as they would be billed.</summary>
internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens)
{
    /// <summary>Of all texts.</summary>
    public static EmbeddingUsage Of(IReadOnlyList<TextEmbedding> embeddings)
    {
        int tokens = embeddings.Sum(embedding => embedding.Tokens.Count);
        return new(tokens, tokens);
    }
}
