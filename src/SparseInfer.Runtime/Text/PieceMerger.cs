using System.Text;

namespace SparseInfer.Text;

/// <summary>Merging of pieces by score, with byte fallback. O(n log n) for n characters; safe for use by several threads at once.</summary>
internal sealed class PieceMerger
{
    private const int None = -1;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly int[] _ranks;
    private readonly int _longestPiece;

    public PieceMerger(SentencePieceVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _ranks = RankByScore(vocabulary);
        for (int token = 0; token < vocabulary.Count; token++)
        {
            if (_ranks[token] != None)
            {
                _longestPiece = Math.Max(_longestPiece, vocabulary.GetPiece(token).Length);
            }
        }
    }

    /// <summary>Whether merging may bring forth tokens of this type.</summary>
    public static bool IsMergeable(TokenType type) =>
        type is TokenType.Undefined or TokenType.Normal or TokenType.UserDefined or TokenType.Unused;

    /// <summary>Appends the tokens of <paramref name="text"/>: valid UTF-16, spaces already escaped, no special tokens in it.</summary>
    public void Merge(ReadOnlySpan<char> text, List<int> tokens)
    {
        Span<Symbol> symbols = new Symbol[text.Length];
        symbols = symbols[..SplitIntoCharacters(text, symbols)];
        new PairMerger().Merge(new ByScore(this, text), symbols);
        for (int i = symbols.IsEmpty ? None : 0; i != None; i = symbols[i].Next)
        {
            AppendTokens(text.Slice(symbols[i].Start, symbols[i].Length), tokens);
        }
    }

    /// <summary>Each mergeable token's place by descending score, equal for equal scores, so that a place orders like the score.</summary>
    private static int[] RankByScore(SentencePieceVocabulary vocabulary)
    {
        int[] ranks = new int[vocabulary.Count];
        int[] byScore = [.. Enumerable.Range(0, vocabulary.Count).OrderByDescending(vocabulary.GetScore)];
        for (int i = 0, rank = 0; i < byScore.Length; i++)
        {
            if (i > 0 && vocabulary.GetScore(byScore[i]) != vocabulary.GetScore(byScore[i - 1]))
            {
                rank++;
            }

            ranks[byScore[i]] = IsMergeable(vocabulary.GetTokenType(byScore[i])) ? rank : None;
        }

        return ranks;
    }

    private static int SplitIntoCharacters(ReadOnlySpan<char> text, Span<Symbol> symbols)
    {
        int count = 0;
        for (int start = 0; start < text.Length; count++)
        {
            int length = char.IsHighSurrogate(text[start]) ? 2 : 1;
            symbols[count] = new Symbol { Start = start, Length = length };
            start += length;
        }

        return count;
    }

    private void AppendTokens(ReadOnlySpan<char> piece, List<int> tokens)
    {
        if (TryGetPiece(piece, out int token))
        {
            tokens.Add(token);
            return;
        }

        // Only a single character can be no piece, since merging makes nothing else.
        Span<byte> bytes = stackalloc byte[4];
        foreach (byte value in bytes[..Encoding.UTF8.GetBytes(piece, bytes)])
        {
            tokens.Add(_vocabulary.GetByteToken(value));
        }
    }

    private bool TryGetPiece(ReadOnlySpan<char> text, out int token) => _vocabulary.TryGetToken(text, out token) && _ranks[token] != None;

    /// <summary>Two neighbours merge where their text together is a piece.</summary>
    private readonly ref struct ByScore(PieceMerger pieces, ReadOnlySpan<char> text) : IMergeRule
    {
        private readonly ReadOnlySpan<char> _text = text;

        public bool TryMerge(in Symbol left, in Symbol right, out Merge merge)
        {
            int length = left.Length + right.Length;
            if (length > pieces._longestPiece || !pieces.TryGetPiece(_text.Slice(left.Start, length), out int token))
            {
                merge = default;
                return false;
            }

            merge = new Merge(pieces._ranks[token], token);
            return true;
        }
    }
}
