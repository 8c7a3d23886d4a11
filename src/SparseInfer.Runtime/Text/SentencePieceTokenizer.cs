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
    private readonly SpecialTokenSplitter _splitter;
    private readonly PieceMerger _merger;
    private readonly HashSet<int> _endOfGeneration;
    private readonly byte[] _bytes;
    private readonly int[] _byteOffsets;

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
        _splitter = new SpecialTokenSplitter(vocabulary, strips);
        _merger = new PieceMerger(vocabulary);
        (_bytes, _byteOffsets) = LayOutBytes(vocabulary);
        _endOfGeneration = EndOfGenerationTokens.Of(vocabulary);
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
    public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>(text.Length / 3 + 2);
        if (addBeginOfSequence && _vocabulary.AddBeginOfSequence)
        {
            tokens.Add(_vocabulary.BeginOfSequence!.Value);
        }

        Encode(text, _splitter.Split(text, parseControlTokens), continuesText, tokens);
        return [.. tokens];
    }

    internal override int[] EncodeMarked(string text, IReadOnlyList<OutsideSpan> outside, bool continuesText)
    {
        List<int> tokens = [];
        Encode(text, _splitter.Split(text, parseControlTokens: true, outside), continuesText, tokens);
        return [.. tokens];
    }

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
    public override ReadOnlySpan<byte> GetBytes(int token)
    {
        CheckToken(token);
        return _bytes.AsSpan(_byteOffsets[token].._byteOffsets[token + 1]);
    }

    /// <inheritdoc/>
    public override bool IsEndOfGeneration(int token)
    {
        CheckToken(token);
        return _endOfGeneration.Contains(token);
    }

    /// <inheritdoc/>
    /// <remarks>A user-defined token is matched before the prefix is added, so a space it begins with is its own.</remarks>
    protected internal override bool BeginsWithPrefixSpace(int token) =>
        _vocabulary.AddSpacePrefix
            && _vocabulary.GetTokenType(token) is TokenType.Normal or TokenType.Undefined or TokenType.Unused
            && GetBytes(token) is [(byte)' ', ..];

    private static (byte[] Bytes, int[] Offsets) LayOutBytes(SentencePieceVocabulary vocabulary)
    {
        var bytes = new ArrayBufferWriter<byte>(8 * vocabulary.Count + 1);
        int[] offsets = new int[vocabulary.Count + 1];
        Span<byte> single = stackalloc byte[1];
        for (int token = 0; token < vocabulary.Count; token++)
        {
            switch (vocabulary.GetTokenType(token))
            {
                case TokenType.Control or TokenType.Unknown:
                    break;
                case TokenType.Byte:
                    single[0] = vocabulary.GetByteValue(token);
                    bytes.Write(single);
                    break;
                case TokenType.UserDefined:
                    Encoding.UTF8.GetBytes(vocabulary.GetPiece(token), bytes);
                    break;
                default:
                    Encoding.UTF8.GetBytes(vocabulary.GetPiece(token).Replace(Space, ' '), bytes);
                    break;
            }

            offsets[token + 1] = bytes.WrittenCount;
        }

        return (bytes.WrittenSpan.ToArray(), offsets);
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

    private void CheckToken(int token)
    {
        if ((uint)token >= (uint)_vocabulary.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has tokens 0 to {_vocabulary.Count - 1}.");
        }
    }
}
