using System.Buffers;
using System.Text;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Text;

/// <summary>
/// Byte-pair encoding by a list of merges: what GGUF calls <c>tokenizer.ggml.model = gpt2</c>, and the model "BPE" of
/// <c>tokenizer.json</c>.
/// </summary>
/// <remarks>
/// The result is llama.cpp's. Special tokens are cut out first; what remains is cut into words by the pre-tokenizer; then, in each word, of
/// all neighbours that merge those do that come first in the list. One rule is stricter: control and unknown tokens never come out of
/// merging, so that no spelling of a text can forge one.
/// </remarks>
internal sealed class BpeTokenizer : Tokenizer
{
    private const char EscapedSpace = '\u2581';

    private readonly BpeVocabulary _vocabulary;
    private readonly TextPreparation _preparation;
    private readonly PreTokenizer _preTokenizer;
    private readonly PreTokenizer _spelledPreTokenizer;
    private readonly SpecialTokenSplitter _splitter;
    private readonly HashSet<int> _endOfGeneration;
    private readonly byte[] _bytes;
    private readonly int[] _byteOffsets;

    /// <param name="vocabulary">The tokens and merges.</param>
    /// <param name="preTokenizer">What cuts a text into words.</param>
    /// <param name="preparation">What is done to a text before; null: nothing.</param>
    /// <param name="spelledPreTokenizer">What cuts the words once more when they are spelled in bytes; null: nothing.</param>
    public BpeTokenizer(
        BpeVocabulary vocabulary, PreTokenizer preTokenizer, TextPreparation? preparation = null, PreTokenizer? spelledPreTokenizer = null)
    {
        _spelledPreTokenizer = spelledPreTokenizer ?? PreTokenizer.None;
        _vocabulary = vocabulary;
        _preTokenizer = preTokenizer;
        _preparation = preparation ?? new TextPreparation();
        _splitter = new SpecialTokenSplitter(vocabulary, vocabulary.Options.Strips);
        _endOfGeneration = EndOfGenerationTokens.Of(vocabulary);
        (_bytes, _byteOffsets) = LayOutBytes();
    }

    public override int VocabularySize => _vocabulary.Count;

    public override int? BeginOfSequence => _vocabulary.Options.BeginOfSequence;

    public override int? EndOfSequence => _vocabulary.Options.EndOfSequence;

    internal override int? EndOfWhole => _vocabulary.Options.EndOfWhole;

    public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>(text.Length / 3 + 2);
        if (addBeginOfSequence && _vocabulary.Options.AddBeginOfSequence && BeginOfSequence is { } begin)
        {
            tokens.Add(begin);
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
        var encoder = new BpeEncoder(_vocabulary, tokens);
        Place place = continuesText ? Place.Continued : Place.Start;
        foreach (TextFragment fragment in fragments)
        {
            if (fragment.IsToken)
            {
                tokens.Add(fragment.Token);
                place = Place.AfterToken;
            }
            else
            {
                EncodeText(text.AsSpan(fragment.Start, fragment.Length), place, encoder);
                place = Place.Continued;
            }
        }
    }

    public override ReadOnlySpan<byte> GetBytes(int token)
    {
        CheckToken(token);
        return _bytes.AsSpan(_byteOffsets[token].._byteOffsets[token + 1]);
    }

    public override bool IsEndOfGeneration(int token)
    {
        CheckToken(token);
        return _endOfGeneration.Contains(token);
    }

    protected internal override bool BeginsWithPrefixSpace(int token) =>
        _preparation.Prefix != PrefixSpace.Never
            && _vocabulary.GetTokenType(token) is TokenType.Normal or TokenType.Undefined or TokenType.Unused
            && GetBytes(token) is [(byte)' ', ..];

    private void EncodeText(ReadOnlySpan<char> text, Place place, BpeEncoder encoder)
    {
        ReadOnlySpan<char> prepared = _preparation.Prepare(text, place);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(prepared));
        try
        {
            // Where the pieces end in the text becomes where they end in UTF-8.
            List<int> ends = _preTokenizer.Split(prepared);
            int length = 0;
            int start = 0;
            for (int i = 0; i < ends.Count; i++)
            {
                length += Encoding.UTF8.GetBytes(prepared[start..ends[i]], rented.AsSpan(length));
                start = ends[i];
                ends[i] = length;
            }

            ReadOnlySpan<byte> utf8 = rented.AsSpan(0, length);
            start = 0;
            foreach (int end in SplitSpelled(utf8, ends))
            {
                encoder.Encode(utf8[start..end]);
                start = end;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>What is cut when the text is spelled in bytes already, each a character of the alphabet for them.</summary>
    private List<int> SplitSpelled(ReadOnlySpan<byte> utf8, List<int> ends)
    {
        if (_spelledPreTokenizer == PreTokenizer.None)
        {
            return ends;
        }

        char[] spelled = new char[utf8.Length];
        for (int i = 0; i < spelled.Length; i++)
        {
            spelled[i] = ByteAlphabet.ToCharacter(utf8[i]);
        }

        return _spelledPreTokenizer.Split(spelled, ends);
    }

    private (byte[] Bytes, int[] Offsets) LayOutBytes()
    {
        var bytes = new ArrayBufferWriter<byte>(8 * _vocabulary.Count + 1);
        int[] offsets = new int[_vocabulary.Count + 1];
        Span<byte> single = stackalloc byte[1];
        for (int token = 0; token < _vocabulary.Count; token++)
        {
            string piece = _vocabulary.GetPiece(token);
            TokenType type = _vocabulary.GetTokenType(token);
            if (type == TokenType.UserDefined || (type is not (TokenType.Control or TokenType.Unknown) && !IsSpelledInBytes(piece)))
            {
                Encoding.UTF8.GetBytes(Unescape(piece, type), bytes);
            }
            else if (type is not (TokenType.Control or TokenType.Unknown))
            {
                foreach (byte value in BytesOf(piece))
                {
                    single[0] = value;
                    bytes.Write(single);
                }
            }

            offsets[token + 1] = bytes.WrittenCount;
        }

        return (bytes.WrittenSpan.ToArray(), offsets);
    }

    /// <summary>Whether all of a token's text stands for bytes. A token that was added later may be spelled as it looks.</summary>
    private bool IsSpelledInBytes(string piece) => _vocabulary.Options.Alphabet == BpeAlphabet.Bytes
        ? piece.All(character => ByteAlphabet.TryGetByte(character, out _))
        : SentencePieceVocabulary.TryParseByte(piece, out _);

    private IEnumerable<byte> BytesOf(string piece)
    {
        if (_vocabulary.Options.Alphabet == BpeAlphabet.Characters)
        {
            SentencePieceVocabulary.TryParseByte(piece, out byte value);
            return [value];
        }

        return piece.Select(character => ByteAlphabet.TryGetByte(character, out byte value) ? value : default);
    }

    private string Unescape(string piece, TokenType type) =>
        _preparation.EscapeSpaces && type != TokenType.UserDefined ? piece.Replace(EscapedSpace, ' ') : piece;

    private void CheckToken(int token)
    {
        if ((uint)token >= (uint)_vocabulary.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has tokens 0 to {_vocabulary.Count - 1}.");
        }
    }
}
