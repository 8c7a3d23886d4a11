namespace SparseInfer.Loading;

/// <summary>
/// Finds the names that somebody probably meant. The work is bounded, whatever a file brings: one instance serves one error message, and
/// when it has done its share, the rest of the names go without.
/// </summary>
internal sealed class ClosestName
{
    /// <summary>
    /// The most cells of edit tables that one instance fills, a few tenths of a second: the missing names of one message against some
    /// ten thousand others.
    /// </summary>
    public const long MaxWork = 1 << 26;

    private int[] _previous = [];
    private int[] _current = [];

    /// <summary>Cells filled so far, and names looked at.</summary>
    public long Work { get; private set; }

    /// <summary>The candidate with the fewest edits (Levenshtein), or null if all need more than a third of the name changed.</summary>
    public static string? Find(string name, IEnumerable<string> candidates) => new ClosestName().FindNext(name, candidates);

    /// <summary>As <see cref="Find"/>, within what is left of this instance's work.</summary>
    public string? FindNext(string name, IEnumerable<string> candidates)
    {
        string? closest = null;
        int fewest = (name.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            if (++Work >= MaxWork)
            {
                break;
            }

            if (Math.Abs(candidate.Length - name.Length) < fewest && Distance(name, candidate, fewest) is int distance && distance < fewest)
            {
                fewest = distance;
                closest = candidate;
            }
        }

        return closest;
    }

    /// <summary>The number of edits, or any number from <paramref name="limit"/> on where there are so many.</summary>
    private int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b, int limit)
    {
        // Names of tensors begin and end alike: what is left between is short.
        int same = a.CommonPrefixLength(b);
        a = a[same..];
        b = b[same..];
        int alike = 0;
        while (alike < Math.Min(a.Length, b.Length) && a[^(alike + 1)] == b[^(alike + 1)])
        {
            alike++;
        }

        a = a[..^alike];
        b = b[..^alike];

        if (_previous.Length <= b.Length)
        {
            (_previous, _current) = (new int[2 * (b.Length + 1)], new int[2 * (b.Length + 1)]);
        }

        for (int j = 0; j <= b.Length; j++)
        {
            _previous[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            Work += b.Length;
            _current[0] = i;
            int least = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = _previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                _current[j] = Math.Min(replace, Math.Min(_previous[j], _current[j - 1]) + 1);
                least = Math.Min(least, _current[j]);
            }

            if (least >= limit)
            {
                return least; // it never falls again
            }

            (_previous, _current) = (_current, _previous);
        }

        return _previous[b.Length];
    }
}
