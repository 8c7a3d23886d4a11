namespace SparseInfer.Text;

/// <summary>What is the same of every kind of vocabulary: the tokens, and which of them are special.</summary>
internal interface IVocabulary
{
    /// <summary>Number of tokens.</summary>
    int Count { get; }

    /// <summary>The token that ends a sequence, or null.</summary>
    int? EndOfSequence { get; }

    /// <summary>Further tokens at which generation ends.</summary>
    IReadOnlyList<int> EndOfGeneration { get; }

    /// <summary>The text of a token as the file has it.</summary>
    string GetPiece(int token);

    /// <summary>The type of a token.</summary>
    TokenType GetTokenType(int token);

    /// <summary>Finds a token by its text as the file has it, whatever its type.</summary>
    bool TryGetToken(ReadOnlySpan<char> piece, out int token);
}
