using System.Globalization;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>What Python's texts know of characters.</summary>
internal static class Characters
{
    /// <summary>As <c>str.isspace</c>: the separators of ASCII as well.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1C' and <= '\x1F';

    /// <summary>What ends a line for <c>str.splitlines</c>.</summary>
    public static bool EndsLine(char character) =>
        character is '\n' or '\r' or '\v' or '\f' or (>= '\x1C' and <= '\x1E') or '\x85' or '\u2028' or '\u2029';

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>As <c>str.isprintable</c>, of one code point.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>Number of code points; a lone surrogate is one.</summary>
    public static int Count(string text)
    {
        int count = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            count -= char.IsSurrogatePair(text[i - 1], text[i]) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Where each code point begins, and the end.</summary>
    public static int[] Starts(string text)
    {
        int[] starts = new int[Count(text) + 1];
        int at = 0;
        for (int i = 0; i < starts.Length - 1; i++)
        {
            starts[i] = at;
            at += at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
        }

        starts[^1] = text.Length;
        return starts;
    }

    /// <summary>Whether a character is of some kind.</summary>
    public static bool Any(string text, Func<char, bool> holds)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (holds(text[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>How often letters, digits and low lines stand together.</summary>
    public static long Words(string text)
    {
        long words = 0;
        bool inWord = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isPart = Rune.IsLetterOrDigit(rune) || Rune.IsNumber(rune) || rune.Value == '_';
            words += isPart && !inWord ? 1 : 0;
            inWord = isPart;
        }

        return words;
    }

    /// <summary>As <c>str.swapcase</c>.</summary>
    public static string SwapCase(string text)
    {
        var swapped = new StringBuilder(text.Length);
        foreach (char character in text)
        {
            swapped.Append(char.IsUpper(character) ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
        }

        return swapped.ToString();
    }

    /// <summary>As <c>str.title</c>: a letter after one is small, any other is large.</summary>
    public static string Title(string text)
    {
        var titled = new StringBuilder(text.Length);
        bool inWord = false;
        foreach (char character in text)
        {
            titled.Append(inWord ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
            inWord = char.IsLetter(character);
        }

        return titled.ToString();
    }

    public static string Capitalize(string text) => text.Length == 0 ? "" : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();
}
