using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Text;

/// <summary>
/// The tokens of a SentencePiece BPE model, checked: text, score and type of each, and which of them are special. The names in errors are
/// the GGUF keys that hold the data.
/// </summary>
public sealed class SentencePieceVocabulary : IVocabulary
{
    private const string TokensKey = "tokenizer.ggml.tokens";
    private const string ScoresKey = "tokenizer.ggml.scores";
    private const string TypesKey = "tokenizer.ggml.token_type";
    private const string BeginKey = "tokenizer.ggml.bos_token_id";
    private const string EndKey = "tokenizer.ggml.eos_token_id";
    private const string UnknownKey = "tokenizer.ggml.unknown_token_id";

    private readonly string[] _pieces;
    private readonly float[] _scores;
    private readonly TokenType[] _types;
    private readonly int[] _byteTokens;
    private readonly Dictionary<string, int> _tokenOfPiece;

    /// <summary>Checks and copies a vocabulary.</summary>
    /// <param name="pieces">
    /// <c>tokenizer.ggml.tokens</c>: each token's text; U+2581 stands for a space, <c>&lt;0xNN&gt;</c> for a byte. Where tokens have the same
    /// text, the last of them is the one that the text stands for, as in llama.cpp. A token without a text is never found.
    /// </param>
    /// <param name="scores"><c>tokenizer.ggml.scores</c>: the pair that makes the piece of the highest score is merged first.</param>
    /// <param name="types"><c>tokenizer.ggml.token_type</c>.</param>
    /// <param name="beginOfSequence"><c>tokenizer.ggml.bos_token_id</c>, or null.</param>
    /// <param name="endOfSequence"><c>tokenizer.ggml.eos_token_id</c>, or null.</param>
    /// <param name="unknown"><c>tokenizer.ggml.unknown_token_id</c>.</param>
    /// <param name="addBeginOfSequence">
    /// <c>tokenizer.ggml.add_bos_token</c>: whether the model expects sequences to open with that token.
    /// </param>
    /// <param name="addSpacePrefix"><c>tokenizer.ggml.add_space_prefix</c>: whether a text is tokenized as if a space preceded it.</param>
    /// <param name="endOfGeneration">
    /// Further tokens at which generation ends, such as <c>tokenizer.ggml.eot_token_id</c>; null: none.
    /// </param>
    /// <exception cref="ArgumentNullException">An array is null.</exception>
    /// <exception cref="InvalidDataException">
    /// The lengths differ, a score is NaN, a type is unknown, an id is out of range, or a byte has no token. The
    /// message begins with the key to mend.
    /// </exception>
    public SentencePieceVocabulary(
        string[] pieces,
        float[] scores,
        TokenType[] types,
        int? beginOfSequence,
        int? endOfSequence,
        int unknown,
        bool addBeginOfSequence = true,
        bool addSpacePrefix = true,
        IReadOnlyList<int>? endOfGeneration = null)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(types);

        CheckLength(ScoresKey, scores.Length, pieces.Length);
        CheckLength(TypesKey, types.Length, pieces.Length);
        CheckToken(BeginKey, beginOfSequence, pieces.Length);
        CheckToken(EndKey, endOfSequence, pieces.Length);
        CheckToken(UnknownKey, unknown, pieces.Length);
        foreach (int token in endOfGeneration ?? [])
        {
            CheckToken("An end of generation", token, pieces.Length);
        }

        if (addBeginOfSequence && beginOfSequence is null)
        {
            throw new InvalidDataException($"{BeginKey} is missing, yet tokenizer.ggml.add_bos_token asks for that token.");
        }

        _pieces = [.. pieces];
        _scores = [.. scores];
        _types = [.. types];
        BeginOfSequence = beginOfSequence;
        EndOfSequence = endOfSequence;
        Unknown = unknown;
        EndOfGeneration = [.. endOfGeneration ?? []];
        AddBeginOfSequence = addBeginOfSequence;
        AddSpacePrefix = addSpacePrefix;

        CheckScoresAndTypes();
        _tokenOfPiece = IndexPieces();
        _byteTokens = FindByteTokens();
    }

    /// <summary>Number of tokens.</summary>
    public int Count => _pieces.Length;

    /// <summary>The token that opens a sequence, or null.</summary>
    public int? BeginOfSequence { get; }

    /// <summary>The token that ends a sequence, or null.</summary>
    public int? EndOfSequence { get; }

    /// <summary>Further tokens at which generation ends.</summary>
    public IReadOnlyList<int> EndOfGeneration { get; }

    /// <summary>The token for what cannot be expressed.</summary>
    public int Unknown { get; }

    /// <summary>Whether the model expects sequences to open with <see cref="BeginOfSequence"/>.</summary>
    public bool AddBeginOfSequence { get; }

    /// <summary>Whether a text is tokenized as if a space preceded it.</summary>
    public bool AddSpacePrefix { get; }

    /// <summary>The text of a token as the file has it: U+2581 for a space, <c>&lt;0xNN&gt;</c> for a byte.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public string GetPiece(int token) => _pieces[Checked(token)];

    /// <summary>The score of a token; higher merges first.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public float GetScore(int token) => _scores[Checked(token)];

    /// <summary>The type of a token.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public TokenType GetTokenType(int token) => _types[Checked(token)];

    /// <summary>The token of the byte <paramref name="value"/>.</summary>
    public int GetByteToken(byte value) => _byteTokens[value];

    /// <summary>Finds a token by its text as the file has it, whatever its type.</summary>
    /// <param name="piece">Such as <c>▁the</c> or <c>&lt;/s&gt;</c>.</param>
    /// <param name="token">The token, if there is one.</param>
    public bool TryGetToken(ReadOnlySpan<char> piece, out int token) =>
        _tokenOfPiece.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out token);

    /// <summary>The byte that a token of type <see cref="TokenType.Byte"/> stands for.</summary>
    internal byte GetByteValue(int token) => TryParseByte(_pieces[token], out byte value) ? value : throw NoByte(token);

    /// <summary>The first two tokens of one text that is not empty; null where every text is there once.</summary>
    internal (int Earlier, int Later)? Repeated { get; private set; }

    /// <summary>How many tokens have a text that is not empty and that an earlier one has.</summary>
    internal int RepeatedCount { get; private set; }

    /// <summary>The byte that a text as <c>&lt;0x0A&gt;</c> stands for.</summary>
    internal static bool TryParseByte(string piece, out byte value)
    {
        value = 0;
        return piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private InvalidDataException NoByte(int token) =>
        new($"{TypesKey}: token {token}, \"{FileText.Show(_pieces[token])}\", is of type byte but not written <0xNN>.");

    private static void CheckLength(string key, int length, int expected)
    {
        if (length != expected)
        {
            throw new InvalidDataException($"{key} has {length} entries, but {TokensKey} has {expected}.");
        }
    }

    private static void CheckToken(string key, int? token, int count)
    {
        if (token is { } id && (uint)id >= (uint)count)
        {
            throw new InvalidDataException($"{key} is {id}, but {TokensKey} has {count} entries.");
        }
    }

    private int Checked(int token)
    {
        if ((uint)token >= (uint)_pieces.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has tokens 0 to {_pieces.Length - 1}.");
        }

        return token;
    }

    private void CheckScoresAndTypes()
    {
        for (int token = 0; token < _pieces.Length; token++)
        {
            if (float.IsNaN(_scores[token]))
            {
                throw new InvalidDataException($"{ScoresKey}: the score of token {token} is NaN.");
            }

            if (!Enum.IsDefined(_types[token]))
            {
                throw new InvalidDataException($"{TypesKey}: token {token} has the unknown type {(int)_types[token]}.");
            }
        }
    }

    private Dictionary<string, int> IndexPieces()
    {
        var tokenOfPiece = new Dictionary<string, int>(_pieces.Length, StringComparer.Ordinal);
        for (int token = 0; token < _pieces.Length; token++)
        {
            string piece = _pieces[token] ?? throw new InvalidDataException($"{TokensKey}: token {token} has no text.");
            if (piece.Length == 0)
            {
                continue;
            }

            if (tokenOfPiece.TryGetValue(piece, out int earlier))
            {
                Repeated ??= (earlier, token);
                RepeatedCount++;
            }

            tokenOfPiece[piece] = token;
        }

        return tokenOfPiece;
    }

    private int[] FindByteTokens()
    {
        int[] byteTokens = new int[256];
        Array.Fill(byteTokens, -1);
        for (int token = 0; token < _types.Length; token++)
        {
            if (_types[token] == TokenType.Byte && TryParseByte(_pieces[token], out byte value))
            {
                byteTokens[value] = token;
            }
        }

        for (int value = 0; value < byteTokens.Length; value++)
        {
            if (byteTokens[value] >= 0)
            {
                continue;
            }

            string piece = $"<0x{value:X2}>";
            throw new InvalidDataException(_tokenOfPiece.TryGetValue(piece, out int token)
                ? $"{TypesKey}: token {token}, {piece}, is not of type {(int)TokenType.Byte} (byte)."
                : $"{TokensKey} lacks the byte token {piece}.");
        }

        for (int token = 0; token < _types.Length; token++)
        {
            if (_types[token] == TokenType.Byte)
            {
                GetByteValue(token); // throws where it is none
            }
        }

        return byteTokens;
    }
}
