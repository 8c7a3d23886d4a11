namespace SparseInfer.Text;

/// <summary>A stretch of a text: plain, or one that stands for a token as a whole.</summary>
/// <param name="Start">The first character.</param>
/// <param name="Length">The number of characters, at least one.</param>
/// <param name="Token">The token, or <see cref="PlainText"/>.</param>
internal readonly record struct TextFragment(int Start, int Length, int Token)
{
    public const int PlainText = -1;

    public bool IsToken => Token != PlainText;
}
