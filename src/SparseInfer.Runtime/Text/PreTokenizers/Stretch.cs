namespace SparseInfer.Text;

/// <summary>
/// The part of a text that one pass of a pre-tokenizer cuts: what is before and behind it is not seen. It remembers the run of white space
/// that was looked at last, so that rules that look to its end take linear time together.
/// </summary>
internal ref struct Stretch
{
    private int _whiteStart;
    private int _whiteEnd;
    private int _newlineEnd;

    /// <summary>Valid UTF-16.</summary>
    public ReadOnlySpan<char> Text;

    /// <summary>Of each character of the text.</summary>
    public ReadOnlySpan<CharacterClass> Classes;

    /// <summary>Where it ends in the text.</summary>
    public int End;

    /// <summary>How many places the character at a place takes.</summary>
    public readonly int Width(int at) => char.IsHighSurrogate(Text[at]) ? 2 : 1;

    /// <summary>Whether a place is inside, and its character has one of some classes.</summary>
    public readonly bool Is(int at, CharacterClass classes) => at < End && (Classes[at] & classes) != 0;

    /// <summary>Whether a place is inside, and has this character.</summary>
    public readonly bool Has(int at, char c) => at < End && Text[at] == c;

    /// <summary>Where a run of characters of a set ends that begins at a place; the place itself where there is none.</summary>
    public readonly int EndOfRun(CharacterSet set, int at)
    {
        while (at < End && set.Contains(this, at))
        {
            at += Width(at);
        }

        return at;
    }

    /// <summary>Where the white space ends that begins at a place; the place itself where there is none.</summary>
    public int EndOfWhite(int at)
    {
        if (at < _whiteStart || at >= _whiteEnd)
        {
            _whiteStart = _whiteEnd = _newlineEnd = at;
            while (Is(_whiteEnd, CharacterClass.White))
            {
                _whiteEnd++;
                if (Text[_whiteEnd - 1] is '\r' or '\n')
                {
                    _newlineEnd = _whiteEnd;
                }
            }
        }

        return _whiteEnd;
    }

    /// <summary>Behind the last <c>\r</c> or <c>\n</c> of the white space that begins at a place; at most the place where it has none.</summary>
    public int EndOfLastNewline(int at) => EndOfWhite(at) > at ? _newlineEnd : at;
}
