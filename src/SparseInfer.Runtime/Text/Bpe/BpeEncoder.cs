using System.Text;

namespace SparseInfer.Text;

/// <summary>Turns the pieces of one text into tokens. O(n log n) for a piece of n bytes; not safe for use by several threads at once.</summary>
internal sealed class BpeEncoder(BpeVocabulary vocabulary, List<int> tokens)
{
    private const int None = BpeVocabulary.None;

    private readonly PairMerger _merger = new();
    private byte[] _utf8 = new byte[64];
    private Symbol[] _symbols = new Symbol[64];
    private bool _afterUnknown;

    /// <summary>Appends the tokens of a piece.</summary>
    /// <param name="piece">Valid UTF-16, not empty.</param>
    public void Encode(ReadOnlySpan<char> piece)
    {
        int length = Encoding.UTF8.GetByteCount(piece);
        if (_utf8.Length < length)
        {
            int capacity = Math.Max(length, 2 * _utf8.Length);
            (_utf8, _symbols) = (new byte[capacity], new Symbol[capacity]);
        }

        ReadOnlySpan<byte> bytes = _utf8.AsSpan(0, Encoding.UTF8.GetBytes(piece, _utf8));
        Span<Symbol> symbols = _symbols.AsSpan(0, vocabulary.Options.Alphabet == BpeAlphabet.Bytes ? SplitIntoBytes(bytes) : SplitIntoCharacters(piece));
        if (vocabulary.Options.IgnoreMerges && FindWhole(piece, bytes) is var whole && vocabulary.IsToken(whole))
        {
            Append(whole);
            return;
        }

        _merger.Merge(vocabulary, symbols);
        for (int i = 0; i != None; i = symbols[i].Next)
        {
            if (vocabulary.IsToken(symbols[i].Id))
            {
                Append(symbols[i].Id);
            }
            else
            {
                Spell(bytes.Slice(symbols[i].Start, symbols[i].Length));
            }
        }
    }

    private int SplitIntoBytes(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            _symbols[i] = new Symbol { Start = i, Length = 1, Id = vocabulary.SymbolOfByte(bytes[i]) };
        }

        return bytes.Length;
    }

    private int SplitIntoCharacters(ReadOnlySpan<char> piece)
    {
        int count = 0;
        int start = 0;
        for (int i = 0; i < piece.Length; count++)
        {
            ReadOnlySpan<char> character = piece.Slice(i, char.IsHighSurrogate(piece[i]) ? 2 : 1);
            int length = Encoding.UTF8.GetByteCount(character);
            _symbols[count] = new Symbol { Start = start, Length = length, Id = vocabulary.FindSymbol(character) };
            start += length;
            i += character.Length;
        }

        return count;
    }

    private int FindWhole(ReadOnlySpan<char> piece, ReadOnlySpan<byte> bytes)
    {
        if (vocabulary.Options.Alphabet == BpeAlphabet.Characters)
        {
            return vocabulary.FindSymbol(piece);
        }

        if (bytes.Length > vocabulary.LongestPiece)
        {
            return None;
        }

        Span<char> spelled = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            spelled[i] = ByteAlphabet.ToCharacter(bytes[i]);
        }

        return vocabulary.FindSymbol(spelled);
    }

    /// <summary>Byte by byte what is no token. What cannot be spelled is unknown, as a whole.</summary>
    private void Spell(ReadOnlySpan<byte> bytes)
    {
        bool fused = _afterUnknown && vocabulary.Options.FuseUnknown;
        bool known = false;
        foreach (byte value in bytes)
        {
            if (vocabulary.TokenOfByte(value) is not None and int token)
            {
                Append(token);
                known = true;
            }
        }

        if (known)
        {
            return;
        }

        if (vocabulary.Options.Unknown is { } unknown && !fused)
        {
            tokens.Add(unknown);
        }

        _afterUnknown = true;
    }

    private void Append(int token)
    {
        tokens.Add(token);
        _afterUnknown = false;
    }
}
