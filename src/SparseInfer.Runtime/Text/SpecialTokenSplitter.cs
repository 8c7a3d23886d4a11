using System.Text;

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
    public List<TextFragment> Split(string text, bool parseControlTokens)
    {
        var fragments = new List<TextFragment>();
        if (text.Length == 0)
        {
            return fragments;
        }

        fragments.Add(new TextFragment(0, text.Length, TextFragment.PlainText));
        foreach (SpecialToken special in parseControlTokens ? _all : _userDefined)
        {
            fragments = CutOut(special, text, fragments);
        }

        return fragments;
    }

    private static List<TextFragment> CutOut(SpecialToken special, string text, List<TextFragment> fragments)
    {
        List<TextFragment>? cut = null;
        for (int i = 0; i < fragments.Count; i++)
        {
            TextFragment fragment = fragments[i];
            int start = fragment.Start;
            int end = fragment.Start + fragment.Length;
            int found;
            while (!fragment.IsToken && (found = text.AsSpan(start..end).IndexOf(special.Piece)) >= 0)
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

    private sealed record SpecialToken(string Piece, int Token, TokenType Type, TokenSides Strips);
}
