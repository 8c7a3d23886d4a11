using BenchmarkDotNet.Attributes;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Benchmarks;

/// <summary>Text to tokens: linear, whatever the text. Twice the length must take twice the time.</summary>
public class TokenizerBenchmarks
{
    private Tokenizer _tokenizer = null!;
    private string _text = null!;

    /// <summary>Of the text, in characters.</summary>
    [Params(1 << 19, 1 << 20)]
    public int Length { get; set; }

    /// <summary>One character over and over, or random words.</summary>
    [Params("letters", "spaces", "digits", "words")]
    public string Text { get; set; } = "";

    /// <summary><c>tokenizer.ggml.pre</c>.</summary>
    [Params("gpt-2", "llama-bpe", "jais-2", "tekken")]
    public string PreTokenizer { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _tokenizer = MakeTokenizer(PreTokenizer);
        _text = Text switch
        {
            "letters" => new string('a', Length),
            "spaces" => new string(' ', Length),
            "digits" => new string('7', Length),
            _ => string.Concat(Enumerable.Range(0, Length).Select(_ => random.Next(6) == 0 ? ' ' : (char)random.Next('a', 'z' + 1))),
        };
    }

    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text, addBeginOfSequence: false).Length;

    /// <summary>Bytes, and what merging each of the tokens so far with itself or a letter makes: twelve times doubled, and all pairs of two letters.</summary>
    private static Tokenizer MakeTokenizer(string preTokenizer)
    {
        const string Alphabet = "abcdefghijklmnopqrstuvwxyz";
        List<string> pieces = [.. Enumerable.Range(0, 256).Select(Spell)];
        List<string> merges = [];
        foreach (string one in (string[])["a", "7", Spell(' ')])
        {
            string doubled = one;
            for (int i = 0; i < 12; i++, doubled += doubled)
            {
                merges.Add($"{doubled} {doubled}");
                pieces.Add(doubled + doubled);
            }
        }

        foreach (string pair in from left in Alphabet from right in Alphabet where left != right select $"{left}{right}")
        {
            merges.Add($"{pair[0]} {pair[1]}");
            pieces.Add(pair);
        }

        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", preTokenizer);
        writer.Add("tokenizer.ggml.tokens", pieces);
        writer.Add("tokenizer.ggml.token_type", [.. pieces.Select(_ => (int)TokenType.Normal)]);
        writer.Add("tokenizer.ggml.merges", merges);
        using ModelFile file = ModelFile.FromMemory("benchmark", writer.ToMetadata("benchmark"), []);
        return Tokenizer.Open(file);
    }

    /// <summary>The character that stands for a byte in byte-level vocabularies.</summary>
    private static string Spell(int value)
    {
        bool IsPrintable(int one) => one is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        return ((char)(IsPrintable(value) ? value : 256 + Enumerable.Range(0, value).Count(one => !IsPrintable(one)))).ToString();
    }
}
