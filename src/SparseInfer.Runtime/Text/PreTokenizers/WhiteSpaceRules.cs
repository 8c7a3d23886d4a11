namespace SparseInfer.Text;

/// <summary><c>\s*[\r\n]+</c>: up to the last end of line.</summary>
internal sealed class Newlines : Rule
{
    public override int Match(ref Stretch stretch, int start) => Math.Max(start, stretch.EndOfLastNewline(start));
}

/// <summary><c>\s+(?!\S)|\s+</c>: all but the last, which a word may want; all where nothing or no more than one is there.</summary>
internal sealed class Whites : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        int end = stretch.EndOfWhite(start);
        return end - start > 1 && end < stretch.End ? end - 1 : end;
    }
}

/// <summary><c>\s+$</c>: to the very end only.</summary>
internal sealed class WhitesAtEnd : Rule
{
    public override int Match(ref Stretch stretch, int start) => stretch.EndOfWhite(start) == stretch.End ? stretch.End : start;
}

/// <summary><c>\s{512}(?!\S)|\s{256}(?!\S)| ... |\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}</c>: as many as a power of two says.</summary>
internal sealed class WhitesByPowersOfTwo : Rule
{
    private const int Most = 512;

    public override int Match(ref Stretch stretch, int start)
    {
        int end = stretch.EndOfWhite(start);
        int left = end - start;
        for (int count = Most; count > 1; count /= 2)
        {
            if (left > count || (left == count && end == stretch.End))
            {
                return start + count;
            }
        }

        return Math.Min(end, start + 1);
    }
}
