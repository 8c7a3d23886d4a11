using System.Buffers;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Text;

/// <summary>What all tokenizers with a vocabulary do: cut out its special tokens, and know which text each token is and which ones end a text.</summary>
internal sealed class TokenTable
{
    private readonly SpecialTokenSplitter _splitter;
    private readonly HashSet<int> _endOfGeneration;
    private readonly byte[] _bytes;
    private readonly int[] _offsets;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="strips">Tokens that take the white space beside them with them; null: none.</param>
    /// <param name="spell">Writes the bytes that a token is in a text. It is not asked for control and unknown tokens, which are none.</param>
    public TokenTable(IVocabulary vocabulary, IReadOnlyDictionary<int, TokenSides>? strips, Action<int, IBufferWriter<byte>> spell)
    {
        Count = vocabulary.Count;
        _splitter = new SpecialTokenSplitter(vocabulary, strips);
        _endOfGeneration = EndOfGenerationTokens.Of(vocabulary);
        _offsets = new int[Count + 1];
        var bytes = new ArrayBufferWriter<byte>(8 * Count + 1);
        for (int token = 0; token < Count; token++)
        {
            if (vocabulary.GetTokenType(token) is not (TokenType.Control or TokenType.Unknown))
            {
                spell(token, bytes);
            }

            _offsets[token + 1] = bytes.WrittenCount;
        }

        _bytes = bytes.WrittenSpan.ToArray();
    }

    /// <summary>Encodes what lies between special tokens.</summary>
    /// <param name="fragments">The text, and its special tokens, in order.</param>
    /// <param name="tokens">Where tokens go.</param>
    public delegate void FragmentEncoder(List<TextFragment> fragments, List<int> tokens);

    /// <summary>Number of tokens.</summary>
    public int Count { get; }

    /// <summary>Splits a text into tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="begin">A token that is put in front; null: none.</param>
    /// <param name="parseControlTokens">Whether control and unknown tokens are cut out, too.</param>
    /// <param name="outside">Where these are none nevertheless; null: nowhere.</param>
    /// <param name="encode">Encodes the rest.</param>
    public int[] Encode(string text, int? begin, bool parseControlTokens, IReadOnlyList<OutsideSpan>? outside, FragmentEncoder encode)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<int>((text.Length / 3) + 2);
        if (begin is { } first)
        {
            tokens.Add(first);
        }

        encode(_splitter.Split(text, parseControlTokens, outside), tokens);
        return [.. tokens];
    }

    /// <summary>As <see cref="Tokenizer.GetBytes(int)"/>.</summary>
    public ReadOnlySpan<byte> GetBytes(int token)
    {
        Check(token);
        return _bytes.AsSpan(_offsets[token].._offsets[token + 1]);
    }

    /// <summary>As <see cref="Tokenizer.IsEndOfGeneration"/>.</summary>
    public bool IsEndOfGeneration(int token)
    {
        Check(token);
        return _endOfGeneration.Contains(token);
    }

    private void Check(int token)
    {
        if ((uint)token >= (uint)Count)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has tokens 0 to {Count - 1}.");
        }
    }
}
