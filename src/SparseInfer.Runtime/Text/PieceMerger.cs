using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace SparseInfer.Text;

/// <summary>Byte-pair merging by score, with byte fallback. O(n log n) for n characters; safe for use by several threads at once.</summary>
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
        Symbol[] rented = ArrayPool<Symbol>.Shared.Rent(text.Length);
        try
        {
            Span<Symbol> symbols = rented.AsSpan(0, SplitIntoCharacters(text, rented));
            MergeSymbols(text, symbols);
            for (int i = symbols.IsEmpty ? None : 0; i != None; i = symbols[i].Next)
            {
                AppendTokens(text.Slice(symbols[i].Start, symbols[i].Length), tokens);
            }
        }
        finally
        {
            ArrayPool<Symbol>.Shared.Return(rented);
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
            symbols[count] = new Symbol { Start = start, Length = length, Previous = count - 1, Next = count + 1 };
            start += length;
        }

        if (count > 0)
        {
            symbols[count - 1].Next = None;
        }

        return count;
    }

    private void MergeSymbols(ReadOnlySpan<char> text, Span<Symbol> symbols)
    {
        // The priority is rank, then position of the left symbol, in one integer: the smallest is the highest score, leftmost.
        var pending = new PriorityQueue<Pair, ulong>();
        for (int i = 1; i < symbols.Length; i++)
        {
            AddPair(text, symbols, i - 1, i, pending);
        }

        while (pending.TryDequeue(out Pair pair, out _))
        {
            ref Symbol left = ref symbols[pair.Left];
            ref Symbol right = ref symbols[pair.Right];

            // Symbols only grow or vanish (length 0); a pair is out of date exactly if its length has changed or one of the two is gone.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length)
            {
                continue;
            }

            left.Length += right.Length;
            left.Next = right.Next;
            right.Length = 0;
            if (left.Next != None)
            {
                symbols[left.Next].Previous = pair.Left;
            }

            AddPair(text, symbols, left.Previous, pair.Left, pending);
            AddPair(text, symbols, pair.Left, left.Next, pending);
        }
    }

    private void AddPair(ReadOnlySpan<char> text, ReadOnlySpan<Symbol> symbols, int left, int right, PriorityQueue<Pair, ulong> pending)
    {
        if (left == None || right == None)
        {
            return;
        }

        int length = symbols[left].Length + symbols[right].Length;
        if (length <= _longestPiece && TryGetPiece(text.Slice(symbols[left].Start, length), out int token))
        {
            pending.Enqueue(new Pair(left, right, length), ((ulong)_ranks[token] << 32) | (uint)left);
        }
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

    [StructLayout(LayoutKind.Auto)]
    private struct Symbol
    {
        public int Start;
        public int Length;
        public int Previous;
        public int Next;
    }

    private readonly record struct Pair(int Left, int Right, int Length);
}
