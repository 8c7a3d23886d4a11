namespace SparseInfer.Text;

/// <summary>Halves of surrogate pairs without the other half: no character, and nothing that UTF-8 can hold.</summary>
internal static class LoneSurrogates
{
    /// <summary>Puts U+FFFD in the place of each.</summary>
    public static void Replace(Span<char> text)
    {
        for (int i = text.IndexOfAnyInRange('\uD800', '\uDFFF'); (uint)i < (uint)text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
            }
            else
            {
                text[i] = '\uFFFD';
            }
        }
    }
}
