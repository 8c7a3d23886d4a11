namespace SparseInfer.Text;

/// <summary>
/// A word as it is written: <c>P?U*L+|P?U+L*</c>, with P as in <see cref="Prefix.AnyButNewline"/>, U what may be a capital and L what may be
/// a small letter.
/// </summary>
/// <param name="upper">U; what is in both sets counts as either.</param>
/// <param name="lower">L.</param>
internal sealed class CasedWord(CharacterSet upper, CharacterSet lower) : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        int afterPrefix = Prefix.AnyButNewline.Takes(stretch, start) ? start + stretch.Width(start) : start;
        int end = UppersThenLowers(stretch, afterPrefix);
        if (end == afterPrefix && afterPrefix > start)
        {
            end = UppersThenLowers(stretch, start);
            afterPrefix = end > start ? start : afterPrefix;
        }

        if (end > afterPrefix)
        {
            return end;
        }

        end = UppersThenAny(stretch, afterPrefix);
        if (end == afterPrefix && afterPrefix > start)
        {
            afterPrefix = start;
            end = UppersThenAny(stretch, start);
        }

        return end > afterPrefix ? end : start;
    }

    /// <summary><c>U*L+</c>: where no L follows, the last U that is one too is given back for it.</summary>
    private int UppersThenLowers(in Stretch stretch, int start)
    {
        int endOfLastBoth = start;
        int at = start;
        while (at < stretch.End && upper.Contains(stretch, at))
        {
            bool both = lower.Contains(stretch, at);
            at += stretch.Width(at);
            endOfLastBoth = both ? at : endOfLastBoth;
        }

        int end = stretch.EndOfRun(lower, at);
        return end > at ? end : endOfLastBoth;
    }

    /// <summary><c>U+L*</c>.</summary>
    private int UppersThenAny(in Stretch stretch, int start)
    {
        int end = stretch.EndOfRun(upper, start);
        return end > start ? stretch.EndOfRun(lower, end) : start;
    }
}
