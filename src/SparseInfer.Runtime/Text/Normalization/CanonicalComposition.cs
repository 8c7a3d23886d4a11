using System.Text;

namespace SparseInfer.Text;

/// <summary>
/// Unicode's normalization form C, by tables of its own: .NET leaves text as it is where globalization is invariant, and elsewhere its
/// tables are those of the operating system, while a text must give the same tokens everywhere.
/// </summary>
internal static class CanonicalComposition
{
    /// <summary>Characters before the first combining mark are composed whatever stands beside them.</summary>
    private const char FirstCombining = '\u0300';

    // Hangul syllables are computed: Unicode Standard, section 3.12.
    private const int FirstSyllable = 0xAC00;
    private const int Syllables = 11172;
    private const int FirstLead = 0x1100;
    private const int Leads = 19;
    private const int FirstVowel = 0x1161;
    private const int Vowels = 21;
    private const int BeforeFirstTail = 0x11A7;
    private const int Tails = 28;

    private static readonly Lazy<CanonicalTables> Tables = new(CanonicalTables.Read);

    /// <summary>The text in normalization form C; O(n log n).</summary>
    /// <param name="text">Valid UTF-16.</param>
    public static char[] Compose(char[] text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstCombining - 1)) < 0)
        {
            return text;
        }

        List<(int Character, byte Class)> parts = new(text.Length + text.Length / 4);
        foreach (Rune rune in text.AsSpan().EnumerateRunes())
        {
            Decompose(rune.Value, parts);
        }

        Order(parts);
        Recompose(parts);
        var composed = new StringBuilder(parts.Count);
        Span<char> units = stackalloc char[2];
        foreach ((int character, _) in parts)
        {
            composed.Append(units[..new Rune(character).EncodeToUtf16(units)]);
        }

        char[] result = new char[composed.Length];
        composed.CopyTo(0, result, result.Length);
        return result;
    }

    private static void Decompose(int character, List<(int Character, byte Class)> parts)
    {
        int syllable = character - FirstSyllable;
        if (character < FirstCombining && !Tables.Value.Decompositions.ContainsKey(character))
        {
            parts.Add((character, 0));
        }
        else if ((uint)syllable < Syllables)
        {
            parts.Add((FirstLead + syllable / (Vowels * Tails), 0));
            parts.Add((FirstVowel + syllable % (Vowels * Tails) / Tails, 0));
            if (syllable % Tails > 0)
            {
                parts.Add((BeforeFirstTail + syllable % Tails, 0));
            }
        }
        else if (Tables.Value.Decompositions.TryGetValue(character, out (int First, int Second) decomposition))
        {
            Decompose(decomposition.First, parts);
            if (decomposition.Second != 0)
            {
                Decompose(decomposition.Second, parts);
            }
        }
        else
        {
            parts.Add((character, Tables.Value.Classes.GetValueOrDefault(character)));
        }
    }

    /// <summary>Sorts each run of combining characters by class; those of one class keep their order.</summary>
    private static void Order(List<(int Character, byte Class)> parts)
    {
        for (int start = 0; start < parts.Count; start++)
        {
            if (parts[start].Class == 0)
            {
                continue;
            }

            int end = start + 1;
            bool sorted = true;
            while (end < parts.Count && parts[end].Class != 0)
            {
                sorted &= parts[end].Class >= parts[end - 1].Class;
                end++;
            }

            if (!sorted)
            {
                (int Character, byte Class)[] run = [.. parts.GetRange(start, end - start).OrderBy(part => part.Class)];
                for (int i = 0; i < run.Length; i++)
                {
                    parts[start + i] = run[i];
                }
            }

            start = end - 1;
        }
    }

    private static void Recompose(List<(int Character, byte Class)> parts)
    {
        int starter = -1;
        int kept = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            (int character, byte combiningClass) = parts[i];

            // Something between the two keeps them apart if it combines no earlier than this does.
            bool blocked = starter < 0 || (kept - 1 > starter && parts[kept - 1].Class >= combiningClass);
            if (!blocked && TryCompose(parts[starter].Character, character, out int whole))
            {
                parts[starter] = (whole, 0);
                continue;
            }

            if (combiningClass == 0)
            {
                starter = kept;
            }

            parts[kept++] = parts[i];
        }

        parts.RemoveRange(kept, parts.Count - kept);
    }

    private static bool TryCompose(int first, int second, out int whole)
    {
        if ((uint)(first - FirstLead) < Leads && (uint)(second - FirstVowel) < Vowels)
        {
            whole = FirstSyllable + ((first - FirstLead) * Vowels + second - FirstVowel) * Tails;
            return true;
        }

        if ((uint)(first - FirstSyllable) < Syllables && (first - FirstSyllable) % Tails == 0
            && second > BeforeFirstTail && second < BeforeFirstTail + Tails)
        {
            whole = first + second - BeforeFirstTail;
            return true;
        }

        return Tables.Value.Compositions.TryGetValue((first, second), out whole);
    }
}
