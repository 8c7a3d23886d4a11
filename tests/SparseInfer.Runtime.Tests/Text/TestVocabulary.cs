using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Builds small vocabularies: &lt;unk&gt;, &lt;s&gt;, &lt;/s&gt;, the 256 bytes, then what a test adds from id 259.</summary>
internal sealed class TestVocabulary
{
    public const int FirstAdded = 259;

    public List<string> Pieces { get; } = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];

    public List<float> Scores { get; } = [.. Enumerable.Repeat(0f, FirstAdded)];

    public List<TokenType> Types { get; } =
        [TokenType.Unknown, TokenType.Control, TokenType.Control, .. Enumerable.Repeat(TokenType.Byte, 256)];

    public int? BeginOfSequence { get; set; } = 1;

    public int? EndOfSequence { get; set; } = 2;

    public IReadOnlyList<int>? EndOfGeneration { get; set; }

    public int Unknown { get; set; }

    public bool AddBeginOfSequence { get; set; } = true;

    public bool AddSpacePrefix { get; set; }

    public static int ByteToken(byte value) => 3 + value;

    public TestVocabulary Add(string piece, float score = 0, TokenType type = TokenType.Normal)
    {
        Pieces.Add(piece);
        Scores.Add(score);
        Types.Add(type);
        return this;
    }

    public SentencePieceVocabulary Build() => new(
        [.. Pieces], [.. Scores], [.. Types], BeginOfSequence, EndOfSequence, Unknown, AddBeginOfSequence, AddSpacePrefix, EndOfGeneration);

    public SentencePieceTokenizer BuildTokenizer() => new(Build());
}
