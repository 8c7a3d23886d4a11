namespace SparseInfer.Text;

/// <summary>One alternative of a regular expression, as a scanner that goes through the text once.</summary>
internal abstract class Rule
{
    /// <summary>Where what it matches from a place on ends; the place itself where it does not match.</summary>
    public abstract int Match(ref Stretch stretch, int start);
}

/// <summary>What may come before a run: one character at most.</summary>
internal enum Prefix
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary><c> ?</c>.</summary>
    Space,

    /// <summary><c>\s?</c>.</summary>
    White,

    /// <summary><c>[^\r\n\p{L}\p{N}]?</c>.</summary>
    AnyButNewline,

    /// <summary><c>[^\r\n\p{L}\p{P}\p{S}]?</c>.</summary>
    NoPunctuation,

    /// <summary>One of the ASCII punctuation characters, and it must be there.</summary>
    AsciiPunctuation,
}

/// <summary>What the rules share.</summary>
internal static class PrefixExtensions
{
    /// <summary>Whether the character at a place may come before a run.</summary>
    public static bool Takes(this Prefix prefix, in Stretch stretch, int at) => prefix switch
    {
        Prefix.Space => stretch.Text[at] == ' ',
        Prefix.White => stretch.Is(at, CharacterClass.White),
        Prefix.AnyButNewline =>
            stretch.Text[at] is not ('\r' or '\n') && !stretch.Is(at, CharacterClass.Letter | CharacterClass.Number),
        Prefix.NoPunctuation => stretch.Text[at] is not ('\r' or '\n')
            && !stretch.Is(at, CharacterClass.Letter | CharacterClass.Punctuation | CharacterClass.Symbol),
        Prefix.AsciiPunctuation =>
            stretch.Text[at] < 128 && stretch.Is(at, CharacterClass.Punctuation | CharacterClass.Symbol),
        _ => false,
    };
}

/// <summary><c>'s|'t|'re|'ve|'m|'ll|'d</c>.</summary>
internal sealed class Contraction(bool ignoreCase) : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        if (stretch.Text[start] != '\'')
        {
            return start;
        }

        return (At(stretch, start + 1), At(stretch, start + 2)) switch
        {
            ('s' or 't' or 'm' or 'd', _) => start + 2,
            ('r' or 'v', 'e') or ('l', 'l') => start + 3,
            _ => start,
        };
    }

    private char At(in Stretch stretch, int at)
    {
        char c = at < stretch.End ? stretch.Text[at] : '\0';
        return ignoreCase && char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;
    }
}

/// <summary>A run of characters of a set, with what may come before it and behind it.</summary>
/// <param name="prefix">What may come before it.</param>
/// <param name="set">The set.</param>
/// <param name="tail">Characters any number of which go along behind it.</param>
internal sealed class Run(Prefix prefix, CharacterSet set, string tail = "") : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        int first = prefix.Takes(stretch, start) ? start + stretch.Width(start) : start;
        int end = stretch.EndOfRun(set, first);
        if (end == first && prefix != Prefix.AsciiPunctuation)
        {
            first = start; // without what may come before, then
            end = stretch.EndOfRun(set, start);
        }

        if (end == first || (first == start && prefix == Prefix.AsciiPunctuation))
        {
            return start;
        }

        while (end < stretch.End && tail.Contains(stretch.Text[end], StringComparison.Ordinal))
        {
            end++;
        }

        return end;
    }
}

/// <summary>As many characters of a set as there are, but no more than some.</summary>
/// <param name="set">The set.</param>
/// <param name="most">At most so many.</param>
/// <param name="least">No match with fewer.</param>
internal sealed class Few(CharacterSet set, int most, int least = 1) : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        int end = start;
        int count = 0;
        for (; count < most && end < stretch.End && set.Contains(stretch, end); count++)
        {
            end += stretch.Width(end);
        }

        return count >= least ? end : start;
    }
}
