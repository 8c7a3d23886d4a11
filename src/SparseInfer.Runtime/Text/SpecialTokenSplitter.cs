using System.Text;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Text;

/// <summary>
/// Cuts the tokens that are matched whole out of a text: user-defined ones always, control and unknown ones on request.
/// </summary>
/// <remarks>
/// As in llama.cpp, the longest token, in bytes, is cut out of the whole text first, then the next longest out of what remains; among tokens of one
/// length, the lowest id.
/// </remarks>
internal sealed class SpecialTokenSplitter
{
    private const string White = " \t\n\v\f\r";

    private readonly SpecialToken[] _userDefined;
    private readonly SpecialToken[] _all;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="strips">Tokens that take the white space of ASCII beside them with them; null: none.</param>
    public SpecialTokenSplitter(IVocabulary vocabulary, IReadOnlyDictionary<int, TokenSides>? strips = null)
    {
        var special = new List<SpecialToken>();
        for (int token = 0; token < vocabulary.Count; token++)
        {
            TokenType type = vocabulary.GetTokenType(token);
            string piece = vocabulary.GetPiece(token);
            if (type is TokenType.UserDefined or TokenType.Control or TokenType.Unknown && piece.Length > 0)
            {
                special.Add(new SpecialToken(piece, token, type, strips?.GetValueOrDefault(token) ?? TokenSides.None));
            }
        }

        // OrderBy is stable, so ids stay ascending within a length.
        _all = [.. special.OrderByDescending(candidate => Encoding.UTF8.GetByteCount(candidate.Piece))];
        _userDefined = [.. _all.Where(candidate => candidate.Type == TokenType.UserDefined)];
    }

    /// <summary>The fragments of <paramref name="text"/> in order, none of them empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parseControlTokens">Cut out control and unknown tokens as well.</param>
    /// <param name="outside">Where these are none nevertheless; null: nowhere.</param>
    public List<TextFragment> Split(string text, bool parseControlTokens, IReadOnlyList<OutsideSpan>? outside = null)
    {
        var fragments = new List<TextFragment>();
        if (text.Length == 0)
        {
            return fragments;
        }

        fragments.Add(new TextFragment(0, text.Length, TextFragment.PlainText));
        foreach (SpecialToken special in parseControlTokens ? _all : _userDefined)
        {
            fragments = CutOut(special, text, fragments, special.Type == TokenType.UserDefined ? null : outside);
        }

        return fragments;
    }

    private static List<TextFragment> CutOut(
        SpecialToken special, string text, List<TextFragment> fragments, IReadOnlyList<OutsideSpan>? outside)
    {
        List<TextFragment>? cut = null;
        for (int i = 0; i < fragments.Count; i++)
        {
            TextFragment fragment = fragments[i];
            int start = fragment.Start;
            int end = fragment.Start + fragment.Length;
            int found;
            while (!fragment.IsToken && (found = IndexOf(special.Piece, text, start, end, outside)) >= 0)
            {
                cut ??= fragments.GetRange(0, i);
                ReadOnlySpan<char> before = text.AsSpan(start, found);
                before = special.Strips.HasFlag(TokenSides.Left) ? before.TrimEnd(White) : before;
                if (before.Length > 0)
                {
                    cut.Add(new TextFragment(start, before.Length, TextFragment.PlainText));
                }

                cut.Add(new TextFragment(start + found, special.Piece.Length, special.Token));
                start += found + special.Piece.Length;
                if (special.Strips.HasFlag(TokenSides.Right))
                {
                    start = end - text.AsSpan(start..end).TrimStart(White).Length;
                }
            }

            if (start < end)
            {
                cut?.Add(fragment with { Start = start, Length = end - start });
            }
        }

        return cut ?? fragments;
    }

    /// <summary>Where a piece is, counted from a start, that touches nothing from outside; -1: nowhere.</summary>
    private static int IndexOf(string piece, string text, int start, int end, IReadOnlyList<OutsideSpan>? outside)
    {
        int from = start;
        int found;
        while ((found = text.AsSpan(from..end).IndexOf(piece)) >= 0)
        {
            from += found;
            if (outside is null || !Touches(outside, from, from + piece.Length))
            {
                return from - start;
            }

            from++;
        }

        return -1;
    }

    private static bool Touches(IReadOnlyList<OutsideSpan> outside, int start, int end)
    {
        (int low, int high) = (0, outside.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = outside[middle].End <= start ? (middle + 1, high) : (low, middle);
        }

        return low < outside.Count && outside[low].Start < end;
    }

    private sealed record SpecialToken(string Piece, int Token, TokenType Type, TokenSides Strips);
}
