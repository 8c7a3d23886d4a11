using System.Globalization;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Ids and texts that llama.cpp produced for GPT-2's vocabulary.</summary>
public class BpeGoldenTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    private readonly Tokenizer _gpt2 = Tokenizer.Open(TestData.Path("tokenizers", "ggml-vocab-gpt-2.gguf"));

    [Fact]
    public void Gpt2_vocabulary_gives_the_ids_of_llama_cpp_in_all_47_cases()
    {
        string[] texts = File.ReadAllText(TestData.Path("tokenizers", "ggml-vocab-gpt-2.gguf.inp")).Split(Separator);
        string[] lines = File.ReadAllText(TestData.Path("tokenizers", "ggml-vocab-gpt-2.gguf.out")).Split('\n');

        texts.Length.ShouldBe(47);
        for (int i = 0; i < texts.Length; i++)
        {
            int[] expected =
                [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
            _gpt2.Encode(texts[i], addBeginOfSequence: true).ShouldBe(expected, $"case {i}: \"{texts[i]}\"");
            _gpt2.Decode(expected).ShouldBe(texts[i], $"case {i}");

            TokenStream stream = _gpt2.CreateStream(startOfText: true);
            (string.Concat(expected.Select(stream.Append)) + stream.Flush()).ShouldBe(texts[i], $"case {i}");
        }
    }

    [Fact]
    public void A_character_of_several_tokens_comes_out_with_the_last()
    {
        int[] tokens = _gpt2.Encode("🚀", addBeginOfSequence: false);
        tokens.Length.ShouldBe(3);
        TokenStream stream = _gpt2.CreateStream();
        tokens.Select(stream.Append).ShouldBe(["", "", "🚀"]);
        stream.Append(tokens[0]);
        stream.Flush().ShouldBe("\uFFFD");
    }

    [Fact]
    public void The_end_of_text_is_read_where_control_tokens_are_and_ends_generation()
    {
        const int End = 50256;
        _gpt2.EndOfSequence.ShouldBe(End);
        _gpt2.Encode("a<|endoftext|>b", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([64, End, 65]);
        _gpt2.Encode("a<|endoftext|>b", addBeginOfSequence: false).ShouldNotContain(End);
        _gpt2.Decode([64, End, 65]).ShouldBe("ab");
        Enumerable.Range(0, _gpt2.VocabularySize).Where(_gpt2.IsEndOfGeneration).ShouldBe([End]);
    }

    [Fact]
    public void A_lone_surrogate_counts_as_the_replacement_character()
    {
        _gpt2.Encode("a\uD83Db\uDE80", addBeginOfSequence: false).ShouldBe(_gpt2.Encode("a\uFFFDb\uFFFD", addBeginOfSequence: false));
        _gpt2.Decode(_gpt2.Encode("a\0b", addBeginOfSequence: false)).ShouldBe("a\0b");
    }

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('7')]
    [InlineData('\n')]
    public void A_long_run_of_one_character_is_its_tokens(char character)
    {
        string text = new(character, 300_000);
        _gpt2.Decode(_gpt2.Encode(text, addBeginOfSequence: false)).ShouldBe(text);
    }
}
