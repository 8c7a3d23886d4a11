using System.Buffers;
using System.Text;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Text;

/// <summary>
/// SentencePiece byte-pair encoding with byte fallback: what GGUF calls <c>tokenizer.ggml.model = llama</c>.
/// </summary>
/// <remarks>
/// <para>
/// The result is llama.cpp's. User-defined tokens are cut out first; in what remains, a space counts as U+2581 and one more is put at the
/// start and after a token cut out. Then, starting from single characters, the two neighbours that together make the piece of the
/// highest score merge, the leftmost first among equals, until no two make a piece. A character that is no piece is spelled in bytes.
/// </para>
/// <para>
/// One rule is SentencePiece's rather than llama.cpp's: control, unknown and byte tokens never come out of merging, so that no spelling
/// of a text can forge one.
/// </para>
/// </remarks>
public sealed class SentencePieceTokenizer : Tokenizer
{
    private const char Space = '\u2581';

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly PieceMerger _merger;
    private readonly TokenTable _table;

    /// <summary>Makes a tokenizer for a vocabulary.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="vocabulary"/> is null.</exception>
    public SentencePieceTokenizer(SentencePieceVocabulary vocabulary)
        : this(vocabulary, strips: null)
    {
    }

    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="strips">Tokens that take the white space beside them with them; null: none.</param>
    /// <param name="endsWhole">Whether whole texts end with the token that ends sequences.</param>
    internal SentencePieceTokenizer(SentencePieceVocabulary vocabulary, IReadOnlyDictionary<int, TokenSides>? strips, bool endsWhole = false)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        _vocabulary = vocabulary;
        _merger = new PieceMerger(vocabulary);
        _table = new TokenTable(vocabulary, strips, Spell);
        EndOfWhole = endsWhole ? vocabulary.EndOfSequence : null;
    }

    /// <summary>The vocabulary, with each token's text, score and type.</summary>
    public SentencePieceVocabulary Vocabulary => _vocabulary;

    /// <inheritdoc/>
    public override int VocabularySize => _vocabulary.Count;

    /// <inheritdoc/>
    public override int? BeginOfSequence => _vocabulary.BeginOfSequence;

    /// <inheritdoc/>
    public override int? EndOfSequence => _vocabulary.EndOfSequence;

    internal override int? EndOfWhole { get; }

    /// <inheritdoc/>
    /// <remarks>Takes O(n log n) for n characters, and one search of the text for each user-defined token.</remarks>
    public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false) => _table.Encode(
        text, addBeginOfSequence && _vocabulary.AddBeginOfSequence ? BeginOfSequence : null, parseControlTokens, outside: null,
        (fragments, tokens) => Encode(text, fragments, continuesText, tokens));

    internal override int[] EncodeMarked(string text, IReadOnlyList<OutsideSpan> outside, bool continuesText) => _table.Encode(
        text, begin: null, parseControlTokens: true, outside, (fragments, tokens) => Encode(text, fragments, continuesText, tokens));

    private void Encode(string text, List<TextFragment> fragments, bool continuesText, List<int> tokens)
    {
        bool afterText = continuesText;
        foreach (TextFragment fragment in fragments)
        {
            if (fragment.IsToken)
            {
                tokens.Add(fragment.Token);
            }
            else
            {
                EncodeText(text.AsSpan(fragment.Start, fragment.Length), _vocabulary.AddSpacePrefix && !afterText, tokens);
            }

            afterText = !fragment.IsToken;
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> GetBytes(int token) => _table.GetBytes(token);

    /// <inheritdoc/>
    public override bool IsEndOfGeneration(int token) => _table.IsEndOfGeneration(token);

    /// <inheritdoc/>
    /// <remarks>A user-defined token is matched before the prefix is added, so a space it begins with is its own.</remarks>
    protected internal override bool BeginsWithPrefixSpace(int token) =>
        _vocabulary.AddSpacePrefix
            && _vocabulary.GetTokenType(token) is TokenType.Normal or TokenType.Undefined or TokenType.Unused
            && GetBytes(token) is [(byte)' ', ..];

    private void Spell(int token, IBufferWriter<byte> bytes)
    {
        string piece = _vocabulary.GetPiece(token);
        switch (_vocabulary.GetTokenType(token))
        {
            case TokenType.Byte:
                bytes.Write([_vocabulary.GetByteValue(token)]);
                break;
            case TokenType.UserDefined:
                Encoding.UTF8.GetBytes(piece, bytes);
                break;
            default:
                Encoding.UTF8.GetBytes(piece.Replace(Space, ' '), bytes);
                break;
        }
    }

    private void EncodeText(ReadOnlySpan<char> text, bool addSpace, List<int> tokens)
    {
        char[] rented = ArrayPool<char>.Shared.Rent(text.Length + 1);
        try
        {
            Span<char> escaped = rented.AsSpan(0, text.Length + (addSpace ? 1 : 0));
            if (addSpace)
            {
                escaped[0] = Space;
            }

            Span<char> body = escaped[(escaped.Length - text.Length)..];
            text.Replace(body, ' ', Space);
            LoneSurrogates.Replace(body);
            _merger.Merge(escaped, tokens);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }
}
