using System.Text;

namespace SparseInfer.Text;

/// <summary>Turns the pieces of one text into tokens. O(n log n) for a piece of n bytes; not safe for use by several threads at once.</summary>
internal sealed class BpeEncoder(BpeVocabulary vocabulary, List<int> tokens)
{
    private const int None = BpeVocabulary.None;

    private readonly PairMerger _merger = new();
    private Symbol[] _symbols = new Symbol[64];
    private bool _afterUnknown;

    /// <summary>Appends the tokens of a piece.</summary>
    /// <param name="piece">Valid UTF-8, or a part of it that the vocabulary spells in bytes; not empty.</param>
    public void Encode(ReadOnlySpan<byte> piece)
    {
        if (vocabulary.Options.IgnoreMerges && FindWhole(piece) is var whole && vocabulary.IsToken(whole))
        {
            Append(whole);
            return;
        }

        if (_symbols.Length < piece.Length)
        {
            _symbols = new Symbol[Math.Max(piece.Length, 2 * _symbols.Length)];
        }

        Span<Symbol> symbols = _symbols.AsSpan(
            0, vocabulary.Options.Alphabet == BpeAlphabet.Bytes ? SplitIntoBytes(piece) : SplitIntoCharacters(piece));
        _merger.Merge(vocabulary, symbols);
        for (int i = 0; i != None; i = symbols[i].Next)
        {
            if (vocabulary.IsToken(symbols[i].Id))
            {
                Append(symbols[i].Id);
            }
            else
            {
                Spell(piece.Slice(symbols[i].Start, symbols[i].Length));
            }
        }
    }

    private int SplitIntoBytes(ReadOnlySpan<byte> piece)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            _symbols[i] = new Symbol { Start = i, Length = 1, Id = vocabulary.SymbolOfByte(piece[i]) };
        }

        return piece.Length;
    }

    private int SplitIntoCharacters(ReadOnlySpan<byte> piece)
    {
        Span<char> units = stackalloc char[2];
        int count = 0;
        for (int start = 0; start < piece.Length; count++)
        {
            Rune.DecodeFromUtf8(piece[start..], out Rune character, out int length);
            ReadOnlySpan<char> text = units[..character.EncodeToUtf16(units)];
            _symbols[count] = new Symbol { Start = start, Length = length, Id = vocabulary.FindSymbol(text) };
            start += length;
        }

        return count;
    }

    private int FindWhole(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > vocabulary.LongestPieceInBytes)
        {
            return None;
        }

        Span<char> text = piece.Length <= 256 ? stackalloc char[piece.Length] : new char[piece.Length];
        if (vocabulary.Options.Alphabet == BpeAlphabet.Characters)
        {
            return vocabulary.FindSymbol(text[..Encoding.UTF8.GetChars(piece, text)]);
        }

        for (int i = 0; i < piece.Length; i++)
        {
            text[i] = ByteAlphabet.ToCharacter(piece[i]);
        }

        return vocabulary.FindSymbol(text);
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
