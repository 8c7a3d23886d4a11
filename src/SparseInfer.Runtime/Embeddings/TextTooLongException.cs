namespace SparseInfer;

/// <summary>A text has more tokens than the context holds, so that it has no embedding. A server answers it with status 400.</summary>
/// <param name="index">Which of several texts.</param>
/// <param name="tokens">Its tokens.</param>
/// <param name="context">Most tokens of a sequence.</param>
public sealed class TextTooLongException(int index, int tokens, int context)
    : ArgumentException($"Text {index} has {tokens} tokens, and the context holds {context}. Embed its parts, or load the model with a longer context where it was trained for one.")
{
    /// <summary>Which of several texts; 0: the first.</summary>
    public int Index { get; } = index;

    /// <summary>Its tokens.</summary>
    public int Tokens { get; } = tokens;

    /// <summary>Most tokens of a sequence.</summary>
    public int Context { get; } = context;
}
