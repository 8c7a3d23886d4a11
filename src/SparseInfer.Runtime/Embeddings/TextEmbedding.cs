namespace SparseInfer;

/// <summary>A text as a vector; with <see cref="EmbeddingPooling.None"/> as a vector for each of its tokens.</summary>
public sealed class TextEmbedding
{
    internal TextEmbedding(IReadOnlyList<int> tokens, ReadOnlyMemory<float> values, int dimensions)
    {
        Tokens = tokens;
        Values = values;
        Dimensions = dimensions;
    }

    /// <summary>The tokens that were computed, with those that the tokenizer put around the text.</summary>
    public IReadOnlyList<int> Tokens { get; }

    /// <summary>The vector, [<see cref="Dimensions"/>]; of several, one after the other.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Elements of a vector.</summary>
    public int Dimensions { get; }

    /// <summary>How many vectors there are: one, or as many as tokens.</summary>
    public int Count => Values.Length / Dimensions;

    /// <summary>A vector.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    public ReadOnlyMemory<float> this[int index] => Values.Slice(index * Dimensions, Dimensions);
}
