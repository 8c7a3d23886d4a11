using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>Tokens as they come, in any order of their ids.</summary>
internal sealed class TokenList
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, (string Piece, TokenType Type)> _tokens = [];
    private readonly Dictionary<int, TokenSides> _strips = [];

    /// <summary>One more than the highest id.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens that take the white space beside them with them.</summary>
    public IReadOnlyDictionary<int, TokenSides> Strips => _strips;

    /// <summary>Takes a token. What is added later says what type it has.</summary>
    /// <param name="piece">Its text.</param>
    /// <param name="id">Where its id stands.</param>
    /// <param name="type">Its type.</param>
    /// <param name="strips">White space that it takes with it.</param>
    /// <exception cref="ModelFormatException">There is no id, or another text has it.</exception>
    public void Add(string piece, JsonNode id, TokenType type, TokenSides strips = TokenSides.None)
    {
        int token = id.Id();
        if (_tokens.TryGetValue(token, out (string Piece, TokenType Type) earlier) && earlier.Piece != piece)
        {
            throw id.Error($"is {token}, as {FileText.Quote(earlier.Piece)} has it; {FileText.Quote(piece)} needs another");
        }

        _ids[piece] = token;
        _tokens[token] = (piece, type);
        Count = Math.Max(Count, token + 1);
        if (strips != TokenSides.None)
        {
            _strips[token] = strips;
        }
    }

    /// <summary>Finds a token by its text.</summary>
    public bool TryFind(string piece, out int token) => _ids.TryGetValue(piece, out token);

    /// <summary>The texts by id; an id that is left out has none.</summary>
    /// <exception cref="InvalidDataException">There are hardly any tokens for so high an id.</exception>
    public string[] Pieces()
    {
        if (Count > 2 * _tokens.Count + 65536)
        {
            throw new InvalidDataException($"The highest id of a token is {Count - 1}, but there are only {_tokens.Count} tokens.");
        }

        string[] pieces = new string[Count];
        Array.Fill(pieces, "");
        foreach ((int token, (string piece, _)) in _tokens)
        {
            pieces[token] = piece;
        }

        return pieces;
    }

    /// <summary>The types by id.</summary>
    public TokenType[] Types(string[] pieces)
    {
        var types = new TokenType[pieces.Length];
        Array.Fill(types, TokenType.Unused);
        foreach ((int token, (_, TokenType type)) in _tokens)
        {
            types[token] = type;
        }

        return types;
    }
}
