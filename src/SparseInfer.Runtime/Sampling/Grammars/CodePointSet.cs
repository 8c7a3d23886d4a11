namespace SparseInfer.Sampling;

/// <summary>A set of Unicode scalar values: what one character of a text may be. Surrogates are in no set.</summary>
internal sealed class CodePointSet
{
    /// <summary>The last code point.</summary>
    public const int Last = 0x10FFFF;

    private const int FirstSurrogate = 0xD800;
    private const int LastSurrogate = 0xDFFF;

    private readonly (int First, int Last)[] _ranges;

    private CodePointSet(IEnumerable<(int First, int Last)> ranges) => _ranges = [.. ranges];

    /// <summary>Every character.</summary>
    public static CodePointSet All { get; } = new([(0, FirstSurrogate - 1), (LastSurrogate + 1, Last)]);

    /// <summary>Ranges in ascending order, with something between two of them.</summary>
    public IReadOnlyList<(int First, int Last)> Ranges => _ranges;

    /// <summary>Makes a set of ranges in any order; they may overlap.</summary>
    public static CodePointSet Of(params IEnumerable<(int First, int Last)> ranges)
    {
        List<(int First, int Last)> merged = [];
        foreach ((int first, int last) in ranges.SelectMany(WithoutSurrogates).OrderBy(range => range.First))
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
            {
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            }
            else
            {
                merged.Add((first, last));
            }
        }

        return new(merged);
    }

    /// <summary>The characters of a text.</summary>
    public static CodePointSet Of(string characters) => Of(characters.EnumerateRunes().Select(rune => (rune.Value, rune.Value)));

    /// <summary>Whether a character is in it.</summary>
    public bool Contains(int character) => Array.Exists(_ranges, range => range.First <= character && character <= range.Last);

    /// <summary>All other characters.</summary>
    public CodePointSet Complement()
    {
        List<(int First, int Last)> rest = [];
        int next = 0;
        foreach ((int first, int last) in _ranges)
        {
            if (first > next)
            {
                rest.Add((next, first - 1));
            }

            next = last + 1;
        }

        if (next <= Last)
        {
            rest.Add((next, Last));
        }

        return Of(rest);
    }

    /// <summary>Those of either.</summary>
    public CodePointSet Union(CodePointSet other) => Of(_ranges.Concat(other._ranges));

    /// <summary>Those that are not in another set.</summary>
    public CodePointSet Except(CodePointSet other) => Complement().Union(other).Complement();

    private static IEnumerable<(int First, int Last)> WithoutSurrogates((int First, int Last) range)
    {
        if (range.First < FirstSurrogate)
        {
            yield return (range.First, Math.Min(range.Last, FirstSurrogate - 1));
        }

        if (range.Last > LastSurrogate)
        {
            yield return (Math.Max(range.First, LastSurrogate + 1), range.Last);
        }
    }
}
