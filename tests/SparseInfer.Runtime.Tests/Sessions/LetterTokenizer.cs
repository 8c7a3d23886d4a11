using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>Tokens of <see cref="TraceDecoder"/>: one that begins, one that ends, 20 letters, and the two bytes of an é.</summary>
internal sealed class LetterTokenizer : Tokenizer
{
    private const int FirstLetter = 2;
    private const int FirstByte = 22;

    public override int VocabularySize => TraceDecoder.Vocabulary;

    public override int? BeginOfSequence => 0;

    public override int? EndOfSequence => 1;

    public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false)
    {
        List<int> tokens = addBeginOfSequence ? [0] : [];
        foreach (char letter in text)
        {
            tokens.AddRange(letter is >= 'a' and <= 't' ? [FirstLetter + letter - 'a'] : [FirstByte, FirstByte + 1]);
        }

        return [.. tokens];
    }

    public override ReadOnlySpan<byte> GetBytes(int token) => token switch
    {
        < FirstLetter => [],
        < FirstByte => new[] { (byte)('a' + token - FirstLetter) },
        FirstByte => [0xC3],
        _ => [0xA9],
    };

    public override bool IsEndOfGeneration(int token) => token == 1;
}
