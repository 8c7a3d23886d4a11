namespace SparseInfer.Text;

/// <summary>A bracket expression: characters of some classes, those of some ranges, or all others.</summary>
internal sealed class CharacterSet
{
    private readonly CharacterClass _classes;
    private readonly CharacterClass _excluded;
    private readonly bool _inverted;
    private readonly (int First, int Last)[] _ranges;
    private readonly (int First, int Last)[] _excludedRanges;
    private readonly bool _whiteInRanges;

    private CharacterSet(
        CharacterClass classes, CharacterClass excluded, bool inverted, string list, string excludedList, bool whiteInRanges)
    {
        _classes = classes;
        _excluded = excluded;
        _inverted = inverted;
        _ranges = Parse(list);
        _excludedRanges = Parse(excludedList);
        _whiteInRanges = whiteInRanges;
    }

    /// <summary>The characters with one of some classes, and those listed.</summary>
    /// <param name="classes">May be <see cref="CharacterClass.None"/>.</param>
    /// <param name="list">Characters, and ranges as in <c>a-z</c>.</param>
    /// <param name="whiteInRanges">Whether white space within a range counts.</param>
    public static CharacterSet Of(CharacterClass classes, string list = "", bool whiteInRanges = true) =>
        new(classes, CharacterClass.None, inverted: false, list, "", whiteInRanges);

    /// <summary>The characters with none of some classes.</summary>
    public static CharacterSet Not(CharacterClass classes) => new(classes, CharacterClass.None, inverted: true, "", "", whiteInRanges: true);

    /// <summary>The characters with one of some classes, less those with one of others, and less those listed.</summary>
    public static CharacterSet Except(CharacterClass classes, CharacterClass excluded, string excludedList = "") =>
        new(classes, excluded, inverted: false, "", excludedList, whiteInRanges: true);

    /// <summary>Whether the character that begins at a place is one.</summary>
    public bool Contains(in Stretch stretch, int at)
    {
        CharacterClass found = stretch.Classes[at];
        if ((found & _classes) != 0)
        {
            return !_inverted && (found & _excluded) == 0 && !IsIn(_excludedRanges, stretch, at);
        }

        return _inverted || ((_whiteInRanges || found != CharacterClass.White) && IsIn(_ranges, stretch, at));
    }

    private static (int First, int Last)[] Parse(string list)
    {
        List<(int First, int Last)> ranges = [];
        int[] characters = [.. list.EnumerateRunes().Select(rune => rune.Value)];
        for (int i = 0; i < characters.Length; i++)
        {
            bool isRange = i + 2 < characters.Length && characters[i + 1] == '-';
            ranges.Add((characters[i], characters[isRange ? i + 2 : i]));
            i += isRange ? 2 : 0;
        }

        return [.. ranges];
    }

    private static bool IsIn((int First, int Last)[] ranges, in Stretch stretch, int at)
    {
        if (ranges.Length == 0)
        {
            return false;
        }

        char c = stretch.Text[at];
        int character = char.IsHighSurrogate(c) ? char.ConvertToUtf32(c, stretch.Text[at + 1]) : c;
        foreach ((int first, int last) in ranges)
        {
            if (character >= first && character <= last)
            {
                return true;
            }
        }

        return false;
    }
}
