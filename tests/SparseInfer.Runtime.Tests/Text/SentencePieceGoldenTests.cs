using System.Globalization;
using System.Text.Json;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Ids and texts that other implementations produced for real vocabularies.</summary>
public class SentencePieceGoldenTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    [Fact]
    public void Phi3_vocabulary_gives_the_ids_of_llama_cpp_in_all_47_cases()
    {
        var tokenizer = new SentencePieceTokenizer(GgufVocabularyForTests.Load("tokenizers", "ggml-vocab-phi-3.gguf"));
        string[] texts = File.ReadAllText(TestData.Path("tokenizers", "ggml-vocab-phi-3.gguf.inp")).Split(Separator);
        string[] lines = File.ReadAllText(TestData.Path("tokenizers", "ggml-vocab-phi-3.gguf.out")).Split('\n');

        texts.Length.ShouldBe(47);
        for (int i = 0; i < texts.Length; i++)
        {
            int[] expected = ParseIds(lines[i]);
            tokenizer.Encode(texts[i], addBeginOfSequence: false).ShouldBe(expected, $"case {i}: \"{texts[i]}\"");
            tokenizer.Encode(texts[i], addBeginOfSequence: true).ShouldBe([1, .. expected], $"case {i}: \"{texts[i]}\"");
            tokenizer.Decode(expected).ShouldBe(texts[i], $"case {i}");
        }
    }

    [Theory]
    [InlineData("stories260K", "stories260K.gguf")]
    [InlineData("stories-relu", "stories-relu.gguf")]
    public void Story_prompts_encode_to_the_golden_ids_and_their_continuations_decode_to_the_golden_text(string folder, string file)
    {
        var tokenizer = new SentencePieceTokenizer(GgufVocabularyForTests.Load("models", folder, file));
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(TestData.Path("models", folder, "golden.json")));
        JsonElement[] cases = [.. golden.RootElement.GetProperty("cases").EnumerateArray()];

        cases.Length.ShouldBe(4);
        foreach (JsonElement testCase in cases)
        {
            string prompt = testCase.GetProperty("prompt").GetString()!;
            string text = testCase.GetProperty("greedy_text").GetString()!;
            int[] promptIds = Ids(testCase, "ids");
            int[] greedyIds = Ids(testCase, "greedy_ids");

            tokenizer.Encode(prompt, addBeginOfSequence: true).ShouldBe(promptIds);
            tokenizer.Decode([.. promptIds, .. greedyIds]).ShouldBe(text);

            TokenStream continuation = tokenizer.CreateStream();
            string streamed = string.Concat(greedyIds.Select(continuation.Append)) + continuation.Flush();
            (prompt + streamed).ShouldBe(text);
        }
    }

    [Fact]
    public void Ends_of_turn_known_only_by_their_text_end_generation_beside_the_end_of_sequence()
    {
        var tokenizer = new SentencePieceTokenizer(GgufVocabularyForTests.Load("tokenizers", "ggml-vocab-phi-3.gguf"));

        Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration).ShouldBe([32000, 32007]);
    }

    private static int[] ParseIds(string line) =>
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];

    private static int[] Ids(JsonElement testCase, string name) =>
        [.. testCase.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
