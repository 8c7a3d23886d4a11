using System.Globalization;
using System.Text;

namespace SparseInfer.Text;

/// <summary>What regular expressions call <c>\p{L}</c>, <c>\p{N}</c> and so on. Unassigned characters have none.</summary>
[Flags]
internal enum CharacterClass : byte
{
    None = 0,

    /// <summary><c>\p{L}</c>.</summary>
    Letter = 1,

    /// <summary><c>\p{N}</c>.</summary>
    Number = 2,

    /// <summary><c>\p{M}</c>.</summary>
    Mark = 4,

    /// <summary><c>\p{P}</c>.</summary>
    Punctuation = 8,

    /// <summary><c>\p{S}</c>.</summary>
    Symbol = 16,

    /// <summary><c>\s</c>.</summary>
    White = 32,

    /// <summary><c>\p{Lu}</c> and <c>\p{Lt}</c>, letters as well.</summary>
    Upper = 64,

    /// <summary><c>\p{Ll}</c>, letters as well.</summary>
    Lower = 128,
}

/// <summary>Finds the classes of characters.</summary>
internal static class CharacterClasses
{
    /// <summary>
    /// First and last of each range that Unicode has assigned since version 15.1, whose tables llama.cpp has. They count as unassigned: how
    /// a text is cut must not depend on the version of .NET, and no vocabulary was trained with them.
    /// </summary>
    private static readonly int[] AssignedLater =
    [
        0x0897, 0x0897, 0x1B4E, 0x1B4F, 0x1B7F, 0x1B7F, 0x1C89, 0x1C8A, 0x2427, 0x2429, 0x31E4, 0x31E5, 0xA7CB, 0xA7CD,
        0xA7DA, 0xA7DC, 0x105C0, 0x105F3, 0x10D40, 0x10D65, 0x10D69, 0x10D85, 0x10D8E, 0x10D8F, 0x10EC2, 0x10EC4,
        0x10EFC, 0x10EFC, 0x11380, 0x11389, 0x1138B, 0x1138B, 0x1138E, 0x1138E, 0x11390, 0x113B5, 0x113B7, 0x113C0,
        0x113C2, 0x113C2, 0x113C5, 0x113C5, 0x113C7, 0x113CA, 0x113CC, 0x113D5, 0x113D7, 0x113D8, 0x113E1, 0x113E2,
        0x116D0, 0x116E3, 0x11BC0, 0x11BE1, 0x11BF0, 0x11BF9, 0x11F5A, 0x11F5A, 0x13460, 0x143FA, 0x16100, 0x16139,
        0x16D40, 0x16D79, 0x18CFF, 0x18CFF, 0x1CC00, 0x1CCF9, 0x1CD00, 0x1CEB3, 0x1E5D0, 0x1E5FA, 0x1E5FF, 0x1E5FF,
        0x1F8B2, 0x1F8BB, 0x1F8C0, 0x1F8C1, 0x1FA89, 0x1FA89, 0x1FA8F, 0x1FA8F, 0x1FABE, 0x1FABE, 0x1FAC6, 0x1FAC6,
        0x1FADC, 0x1FADC, 0x1FADF, 0x1FADF, 0x1FAE9, 0x1FAE9, 0x1FBCB, 0x1FBEF,
    ];

    private static readonly CharacterClass[] Ascii = [.. Enumerable.Range(0, 128).Select(value => Find(value))];

    /// <summary>The classes of each character; both halves of a surrogate pair get those of the character.</summary>
    /// <param name="text">Valid UTF-16.</param>
    /// <param name="classes">As long as the text.</param>
    public static void Fill(ReadOnlySpan<char> text, Span<CharacterClass> classes)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c < 128)
            {
                classes[i] = Ascii[c];
            }
            else if (char.IsHighSurrogate(c))
            {
                classes[i] = classes[i + 1] = Find(char.ConvertToUtf32(c, text[i + 1]));
                i++;
            }
            else
            {
                classes[i] = Find(c);
            }
        }
    }

    private static CharacterClass Find(int character)
    {
        UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(character);
        if (category == UnicodeCategory.OtherNotAssigned || IsAssignedLater(character))
        {
            return CharacterClass.None;
        }

        CharacterClass white = Rune.IsWhiteSpace(new Rune(character)) ? CharacterClass.White : CharacterClass.None;
        return white | category switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharacterClass.Letter | CharacterClass.Upper,
            UnicodeCategory.LowercaseLetter => CharacterClass.Letter | CharacterClass.Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharacterClass.Mark,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
                or UnicodeCategory.OtherPunctuation => CharacterClass.Punctuation,
            UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol
                => CharacterClass.Symbol,
            _ => CharacterClass.None,
        };
    }

    private static bool IsAssignedLater(int character)
    {
        // An odd place is a last that the character does not pass: it lies in that range, or is that last itself.
        int at = Array.BinarySearch(AssignedLater, character);
        return at >= 0 || (~at & 1) == 1;
    }
}
