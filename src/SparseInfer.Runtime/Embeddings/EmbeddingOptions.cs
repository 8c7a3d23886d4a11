namespace SparseInfer;

/// <summary>How a text becomes a vector.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>What becomes of the vectors of its tokens; null: what the model's file says, else <see cref="EmbeddingPooling.Mean"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="EmbeddingPooling"/>.</exception>
    public EmbeddingPooling? Pooling { get; init => field = value is { } pooling ? EnumArgument.Require(pooling) : null; }

    /// <summary>Scale each vector to length 1, so that the product of two is the cosine of their angle. A vector of zeros stays one.</summary>
    public bool Normalize { get; init; } = true;

    /// <summary>
    /// How many of a vector's first elements are kept, before it is scaled; null: all. It makes sense for models that were trained for it (Matryoshka
    /// representation learning) alone: of others the beginning of a vector is no vector of the text.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive; or, where it is used, more than the model's width.</exception>
    public int? Dimensions
    {
        get;
        init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(Dimensions), value, "Dimensions must be at least 1; null is all.");
    }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(EmbeddingOptions), (nameof(Pooling), Pooling), (nameof(Normalize), Normalize), (nameof(Dimensions), Dimensions));
}
