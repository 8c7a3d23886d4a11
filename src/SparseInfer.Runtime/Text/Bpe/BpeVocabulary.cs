using System.Text;

namespace SparseInfer.Text;

/// <summary>How the texts of a byte-pair vocabulary are spelled.</summary>
internal enum BpeAlphabet
{
    /// <summary>In bytes, each as a character of <see cref="ByteAlphabet"/>.</summary>
    Bytes,

    /// <summary>In characters, as SentencePiece spells them; bytes only for those that are no token, as <c>&lt;0x0A&gt;</c>.</summary>
    Characters,
}

/// <summary>Two texts that merge; which merges first, their order in a list says.</summary>
internal readonly record struct BpeMerge(string Left, string Right)
{
    /// <summary>Reads <c>left right</c>. The first character may be a space of its own.</summary>
    public static bool TryParse(string text, out BpeMerge merge)
    {
        int space = text.Length > 2 ? text.IndexOf(' ', 1) : -1;
        bool valid = space > 0 && space < text.Length - 1;
        merge = valid ? new BpeMerge(text[..space], text[(space + 1)..]) : default;
        return valid;
    }
}

/// <summary>What there is to a byte-pair vocabulary beside its tokens and merges.</summary>
internal sealed record BpeOptions
{
    public BpeAlphabet Alphabet { get; init; }

    public int? BeginOfSequence { get; init; }

    public int? EndOfSequence { get; init; }

    public bool AddBeginOfSequence { get; init; }

    /// <summary>The token that whole texts end with; null: none.</summary>
    public int? EndOfWhole { get; init; }

    public IReadOnlyList<int> EndOfGeneration { get; init; } = [];

    /// <summary>The token for what cannot be spelled; null: it is left out.</summary>
    public int? Unknown { get; init; }

    /// <summary>Whether several characters in a row that cannot be spelled give one such token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether a piece that is a token as it stands is that token, whatever the merges would make of it.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Tokens that take the white space beside them with them.</summary>
    public IReadOnlyDictionary<int, TokenSides> Strips { get; init; } = new Dictionary<int, TokenSides>();
}

/// <summary>The tokens and merges of a byte-pair vocabulary, checked, and what two neighbours become.</summary>
internal sealed class BpeVocabulary : IVocabulary, IMergeRule
{
    /// <summary>No symbol, and no token.</summary>
    public const int None = -1;

    /// <summary>
    /// Odd, so that keys stay distinct. Two ids side by side would hash to their exclusive or, which is 0 for any pair of equals; and no file
    /// can be made to collide with what it cannot know.
    /// </summary>
    private static readonly ulong KeyFactor = (ulong)Random.Shared.NextInt64() | 1;

    private readonly string[] _pieces;
    private readonly TokenType[] _types;
    private readonly Dictionary<string, int> _tokenOfPiece;

    /// <summary>
    /// Texts that merges have and that are no tokens: llama.cpp merges them all the same, and spells what remains of them in bytes. Their
    /// numbers follow those of the tokens.
    /// </summary>
    private readonly Dictionary<string, int> _others = [];

    private readonly Dictionary<ulong, Merge> _merges;
    private readonly int[] _symbolOfByte = new int[256];
    private readonly int[] _tokenOfByte = new int[256];

    /// <exception cref="InvalidDataException">The lengths differ, or an id is no token.</exception>
    public BpeVocabulary(string[] pieces, TokenType[] types, IReadOnlyList<BpeMerge> merges, BpeOptions options)
    {
        if (types.Length != pieces.Length)
        {
            throw new InvalidDataException($"tokenizer.ggml.token_type has {types.Length} entries, but tokenizer.ggml.tokens has {pieces.Length}.");
        }

        _pieces = pieces;
        _types = types;
        Options = options;
        _tokenOfPiece = new Dictionary<string, int>(pieces.Length, StringComparer.Ordinal);
        for (int token = 0; token < pieces.Length; token++)
        {
            if (pieces[token].Length > 0)
            {
                if (_tokenOfPiece.TryGetValue(pieces[token], out int earlier))
                {
                    Repeated ??= (earlier, token);
                    RepeatedCount++;
                }

                _tokenOfPiece[pieces[token]] = token;
                LongestPieceInBytes = Math.Max(LongestPieceInBytes, Encoding.UTF8.GetByteCount(pieces[token]));
            }
        }

        _merges = new Dictionary<ulong, Merge>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            _merges.TryAdd(Key(SymbolOf(left), SymbolOf(right)), new Merge(rank, SymbolOf(left + right)));
        }

        for (int value = 0; value < 256; value++)
        {
            string spelled = options.Alphabet == BpeAlphabet.Bytes ? ByteAlphabet.ToCharacter((byte)value).ToString() : $"<0x{value:X2}>";
            _tokenOfByte[value] = _tokenOfPiece.TryGetValue(spelled, out int token) && !IsApart(token) ? token : None;
            _symbolOfByte[value] = FindSymbol(spelled);
        }
    }

    public BpeOptions Options { get; }

    public int Count => _pieces.Length;

    public int? EndOfSequence => Options.EndOfSequence;

    public IReadOnlyList<int> EndOfGeneration => Options.EndOfGeneration;

    /// <summary>No token stands for a longer text.</summary>
    public int LongestPieceInBytes { get; }

    /// <summary>How many of the 256 bytes are no token, so that nothing can be spelled with them.</summary>
    public int MissingBytes => _tokenOfByte.Count(token => token == None);

    /// <summary>The first two tokens of one text; null where every text is there once.</summary>
    public (int Earlier, int Later)? Repeated { get; }

    /// <summary>How many tokens have a text that an earlier one has.</summary>
    public int RepeatedCount { get; }

    public string GetPiece(int token) => _pieces[token];

    public TokenType GetTokenType(int token) => _types[token];

    public bool TryGetToken(ReadOnlySpan<char> piece, out int token) =>
        _tokenOfPiece.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out token);

    /// <summary>What a text is as a whole: a token, a text that only merges have, or <see cref="None"/>.</summary>
    public int FindSymbol(ReadOnlySpan<char> text)
    {
        if (TryGetToken(text, out int token) && !IsApart(token))
        {
            return token;
        }

        return _others.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out int symbol) ? symbol : None;
    }

    /// <summary>What a byte is at first, where text is spelled in bytes.</summary>
    public int SymbolOfByte(byte value) => _symbolOfByte[value];

    /// <summary>The token that spells a byte, or <see cref="None"/>.</summary>
    public int TokenOfByte(byte value) => _tokenOfByte[value];

    /// <summary>Whether a symbol is a token.</summary>
    public bool IsToken(int symbol) => (uint)symbol < (uint)_pieces.Length;

    public bool TryMerge(in Symbol left, in Symbol right, out Merge merge)
    {
        merge = default;
        return left.Id != None && right.Id != None && _merges.TryGetValue(Key(left.Id, right.Id), out merge);
    }

    private static ulong Key(int left, int right) => (((ulong)(uint)left << 32) | (uint)right) * KeyFactor;

    /// <summary>Whether no spelling of a text may come to be this token.</summary>
    private bool IsApart(int token) =>
        _types[token] is TokenType.Control or TokenType.Unknown || (_types[token] == TokenType.Byte && Options.Alphabet == BpeAlphabet.Bytes);

    private int SymbolOf(string text)
    {
        int symbol = FindSymbol(text);
        if (symbol == None)
        {
            symbol = _pieces.Length + _others.Count;
            _others.Add(text, symbol);
        }

        return symbol;
    }
}
