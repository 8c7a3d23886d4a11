using System.Text;

namespace SparseInfer.Text;

/// <summary>
/// Decodes a sequence as it is generated. A character may be spread over several tokens; it comes out, whole, with the last of them.
/// Not safe for use by several threads at once.
/// </summary>
public sealed class TokenStream
{
    private readonly Tokenizer _tokenizer;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private char[] _characters = new char[32];
    private bool _startOfText;

    internal TokenStream(Tokenizer tokenizer, bool startOfText)
    {
        _tokenizer = tokenizer;
        _startOfText = startOfText;
    }

    /// <summary>Whether the last token ended inside a character.</summary>
    internal bool IsInsideCharacter => _utf8.GetCharCount([], flush: true) > 0;

    /// <summary>Takes the next token.</summary>
    /// <param name="token">A token id.</param>
    /// <returns>
    /// The characters it completed; empty for a control token and inside a character. Bytes that can no longer become UTF-8 come out as
    /// U+FFFD.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="token"/> is not in the vocabulary; the stream is as before.
    /// </exception>
    public string Append(int token) => Decode(_tokenizer.GetBytes(token, ref _startOfText), flush: false);

    /// <summary>Ends the text.</summary>
    /// <returns>U+FFFD if the last character has remained incomplete, else nothing. The stream can then take further tokens.</returns>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // The bytes of an unfinished character, kept by the decoder, can add one U+FFFD: the one more that GetMaxCharCount allows for.
        int capacity = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        if (_characters.Length < capacity)
        {
            _characters = new char[capacity];
        }

        int count = _utf8.GetChars(bytes, _characters, flush);
        return new string(_characters, 0, count);
    }
}
