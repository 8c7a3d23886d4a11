namespace SparseInfer.Serving;

/// <summary>Asks a <see cref="ModelService"/> for the vectors of texts.</summary>
public sealed record EmbeddingRequest
{
    /// <summary>Asks for those of texts.</summary>
    /// <param name="texts">At least one. The tokens that the model's sequences begin and end with are put around each where the file asks for them.</param>
    public EmbeddingRequest(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        Texts = texts;
    }

    /// <summary>Asks for that of a text.</summary>
    /// <param name="text">The text.</param>
    public EmbeddingRequest(string text)
        : this([text])
    {
    }

    /// <summary>Asks for those of tokens.</summary>
    /// <param name="tokens">Of each text its ids, taken as they are: nothing is put around them.</param>
    public EmbeddingRequest(IReadOnlyList<IReadOnlyList<int>> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Tokens = tokens;
    }

    /// <summary>The texts; null: <see cref="Tokens"/> are given.</summary>
    public IReadOnlyList<string>? Texts { get; }

    /// <summary>The tokens of each text; null: <see cref="Texts"/> are given.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Tokens { get; }

    /// <summary>Pooling, length, dimensions.</summary>
    public EmbeddingOptions Options { get; init; } = new();

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(EmbeddingRequest), (nameof(Texts), Texts), (nameof(Tokens), Tokens), (nameof(Options), Options));
}
