using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using SparseInfer.Files;
using SparseInfer.Runtime.Tests.Files;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Tokenizers from <c>tokenizer.json</c>.</summary>
public sealed class TokenizerJsonTests : IDisposable
{
    /// <summary>As Llama 2's is: characters with byte fallback, a space in front.</summary>
    private const string LlamaStyle = """
        {
          "added_tokens": [
            {"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}
          ],
          "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
          "pre_tokenizer": null,
          "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "<0xC3>": 3, "<0xA9>": 4, "▁": 5, "a": 6, "b": 7, "ab": 8, "▁ab": 9, "▁a": 10},
            "merges": ["a b", "▁ ab", "▁ a"]}
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Qwen3_gives_the_ids_of_another_implementation_for_all_347_texts()
    {
        Tokenizer qwen3 = OpenQwen3();
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(TestData.Path("tokenizers", "qwen3", "golden.json")));

        golden.RootElement.GetArrayLength().ShouldBe(347);
        foreach (JsonElement test in golden.RootElement.EnumerateArray())
        {
            string text = test.GetProperty("text").GetString()!;
            int[] ids = [.. test.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            qwen3.Encode(text, addBeginOfSequence: true, parseControlTokens: true).ShouldBe(ids, text);
        }
    }

    [Fact]
    public void Qwen3_ends_with_its_turn_and_decodes_what_is_no_control_token()
    {
        Tokenizer qwen3 = OpenQwen3();
        qwen3.EndOfSequence.ShouldBe(151645);
        qwen3.IsEndOfGeneration(151645).ShouldBeTrue();
        qwen3.IsEndOfGeneration(151644).ShouldBeFalse();
        qwen3.Encode("<|im_end|>", addBeginOfSequence: false).ShouldNotContain(151645);
        int[] tokens = qwen3.Encode("e\u0301 <tool_call>🚀", addBeginOfSequence: false);
        tokens.ShouldContain(151657);
        qwen3.Decode([.. tokens, 151645]).ShouldBe("é <tool_call>🚀");
    }

    [Fact]
    public void Llama_style_merges_characters_and_spells_the_rest_in_bytes()
    {
        Tokenizer tokenizer = Open(LlamaStyle);
        tokenizer.Encode("ab aé", addBeginOfSequence: true).ShouldBe([1, 9, 10, 3, 4]);
        tokenizer.Encode("ab", addBeginOfSequence: false, continuesText: true).ShouldBe([8]);
        tokenizer.Encode("a</s>ab", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([10, 2, 9]);
        tokenizer.Encode("a中中b", addBeginOfSequence: false).ShouldBe([10, 0, 7]);
        tokenizer.Decode([1, 9, 10, 3, 4]).ShouldBe("ab aé");
        tokenizer.BeginOfSequence.ShouldBe(1);
    }

    [Fact]
    public void Merges_may_be_pairs() =>
        Open(Change(LlamaStyle, "model.merges", """[["a", "b"], ["▁", "ab"], ["▁", "a"]]"""))
            .Encode("ab aé", addBeginOfSequence: true).ShouldBe([1, 9, 10, 3, 4]);

    [Fact]
    public void Metaspace_puts_no_second_space_in_front()
    {
        string json = Change(Change(LlamaStyle, "normalizer", "null"), "pre_tokenizer", """{"type": "Metaspace", "prepend_scheme": "first", "split": false}""");
        Tokenizer tokenizer = Open(json);
        tokenizer.Encode("ab", addBeginOfSequence: false).ShouldBe([9]);
        tokenizer.Encode(" ab", addBeginOfSequence: false).ShouldBe([9]);
        tokenizer.Encode("</s>ab", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([2, 8]);
    }

    [Fact]
    public void Steps_behind_a_byte_level_one_see_bytes()
    {
        // 'ò' is C3 B2 in UTF-8, and B2 is spelled as '²', which is a number.
        string json = Change(Change(LlamaStyle, "normalizer", "null"), "pre_tokenizer", """
            {"type": "Sequence", "pretokenizers": [
              {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}, {"type": "Digits", "individual_digits": false}]}
            """);
        json = Change(Change(json, "model.vocab", """{"<unk>": 0, "<s>": 1, "</s>": 2, "Ã": 3, "²": 4, "Ã²": 5}"""), "model.merges", """["Ã ²"]""");
        json = Change(json, "decoder", """{"type": "ByteLevel"}""");
        Open(json).Encode("ò", addBeginOfSequence: false).ShouldBe([3, 4]);
        Open(json).Decode([3, 4]).ShouldBe("ò");
        Open(json.Replace("\"Digits\"", "\"Punctuation\"")).Encode("ò", addBeginOfSequence: false).ShouldBe([5]);
    }

    [Theory]
    [InlineData("model.type", "\"Unigram\"", "'model.type' is 'Unigram', which is not supported")]
    [InlineData("model.dropout", "0.1", "'model.dropout' is set, which is not supported")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "'model.end_of_word_suffix' is set")]
    [InlineData("model.merges", "[\"ab\"]", "'model.merges[0]' is 'ab', not two texts with a space between")]
    [InlineData("model.merges", "[[\"a\"]]", "'model.merges[0]' is neither a text nor two of them")]
    [InlineData("model.merges", "[[1, 2]]", "'model.merges[0][0]' is not a string, as it must be")]
    [InlineData("model.vocab", "{\"a\": 0, \"b\": 0}", "'model.vocab.b' is 0, as 'a' has it; 'b' needs another")]
    [InlineData("model.vocab", "{\"a\": -1}", "'model.vocab.a' is not the id of a token")]
    [InlineData("model.vocab", "{\"a\": 9000000}", "The highest id of a token is 9000000, but there are only")]
    [InlineData("model.vocab", "[]", "'model.vocab' is not an object")]
    [InlineData("model.unk_token", "\"none\"", "'model.unk_token' is 'none', which is no token")]
    [InlineData("normalizer", "{\"type\": \"Lowercase\"}", "'normalizer.type' is 'Lowercase', which is not supported")]
    [InlineData("normalizer", "{\"type\": \"Prepend\", \"prepend\": \"▁\"}", "'normalizer' puts '▁' in front but leaves spaces as they are")]
    [InlineData("pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", "'pre_tokenizer.type' is 'BertPreTokenizer', which is not supported")]
    [InlineData(
        "pre_tokenizer", "{\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \"a+\"}}",
        "'pre_tokenizer.pattern.Regex' is 'a+', which is not supported")]
    [InlineData(
        "pre_tokenizer", "{\"type\": \"Split\", \"behavior\": \"Removed\", \"pattern\": {\"Regex\": \"[\\\\r\\\\n]\"}}",
        "'pre_tokenizer.behavior' is 'Removed', which is not supported")]
    [InlineData("decoder", "{\"type\": \"WordPiece\"}", "'decoder.type' is 'WordPiece', which is not supported")]
    [InlineData("post_processor.special_tokens", "{}", "'post_processor.special_tokens.<s>.ids' has no token of the vocabulary")]
    [InlineData("added_tokens", "[{\"id\": 0, \"content\": \"<unk>\", \"single_word\": true}]", "'added_tokens[0].single_word' is true")]
    [InlineData("added_tokens", "[{\"id\": 6, \"content\": \"x\"}]", "'added_tokens[0].id' is 6, as 'a' has it")]
    [InlineData("added_tokens", "[{\"id\": 60, \"content\": \"\\uD800\"}]", "'added_tokens[0].content' is a text that is not valid Unicode")]
    public void What_is_damaged_or_not_supported_is_refused_by_name(string place, string value, string fault) =>
        Should.Throw<ModelFormatException>(() => Open(Change(LlamaStyle, place, value))).Message.ShouldContain(fault);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"model\": ")]
    [InlineData("{}")]
    public void What_is_no_tokenizer_is_refused(string json) => Should.Throw<ModelFormatException>(() => Open(json));

    [Fact]
    public void Cutting_the_file_anywhere_is_one_clear_error()
    {
        for (int length = 0; length < LlamaStyle.Length - 2; length += 7)
        {
            string cut = LlamaStyle[..length];
            Should.Throw<ModelFormatException>(() => Open(cut));
        }
    }

    [Fact]
    public void The_file_beside_says_which_tokens_begin_and_end()
    {
        File.WriteAllText(At("tokenizer_config.json"), """{"add_bos_token": true, "bos_token": {"content": "<s>"}, "eos_token": "</s>"}""");
        File.WriteAllText(At("generation_config.json"), """{"eos_token_id": [2, 7]}""");
        Tokenizer tokenizer = Open(Change(LlamaStyle, "post_processor", "null"));
        tokenizer.Encode("a", addBeginOfSequence: true).ShouldBe([1, 10]);
        tokenizer.EndOfSequence.ShouldBe(2);
        Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration).ShouldBe([2, 7]);
        Tokenizer.Open(_folder.Root).Encode("a", addBeginOfSequence: true).ShouldBe([1, 10]);
    }

    [Theory]
    [InlineData("""[{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]""", new[] { 1, 10, 2 })]
    [InlineData("""[{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]""", new[] { 10, 2 })]
    [InlineData("""[{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]""", new[] { 1, 10 })]
    [InlineData("""[{"Sequence": {"id": "A"}}]""", new[] { 10 })]
    public void A_whole_text_ends_as_the_template_has_it(string single, int[] expected)
    {
        string json = Change(LlamaStyle, "post_processor.single", single);
        Tokenizer tokenizer = Open(Change(json, "post_processor.special_tokens", """{"<s>": {"id": "<s>", "ids": [1]}, "</s>": {"id": "</s>", "ids": [2]}}"""));
        tokenizer.EncodeWhole("a").ShouldBe(expected);
        tokenizer.Encode("a", addBeginOfSequence: true).ShouldBe([.. expected.Where(token => token != 2)], "a prompt goes on");
    }

    [Fact]
    public void Without_a_template_the_file_beside_says_how_a_whole_text_ends()
    {
        File.WriteAllText(At("tokenizer_config.json"), """{"add_eos_token": true, "eos_token": "</s>"}""");
        Open(Change(LlamaStyle, "post_processor", "null")).EncodeWhole("a").ShouldBe([10, 2]);
    }

    [Fact]
    public void A_token_may_take_the_white_space_beside_it()
    {
        string json = Change(LlamaStyle, "added_tokens", """[{"id": 11, "content": "<|x|>", "special": true, "lstrip": true, "rstrip": true}]""");
        Open(json).Encode("a \n<|x|> ab", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([10, 11, 9]);
    }

    private static string Change(string json, string place, string value)
    {
        JsonNode root = JsonNode.Parse(json)!;
        string[] keys = place.Split('.');
        JsonNode parent = keys[..^1].Aggregate(root, (node, key) => node[key]!);
        parent[keys[^1]] = "changed";
        return root.ToJsonString().Replace("\"changed\"", value);
    }

    private string At(string name) => Path.Combine(_folder.Root, name);

    private Tokenizer Open(string json)
    {
        File.WriteAllText(At("tokenizer.json"), json);
        return Tokenizer.Open(At("tokenizer.json"));
    }

    private Tokenizer OpenQwen3()
    {
        using (var packed = new GZipStream(File.OpenRead(TestData.Path("tokenizers", "qwen3", "tokenizer.json.gz")), CompressionMode.Decompress))
        using (FileStream unpacked = File.Create(At("tokenizer.json")))
        {
            packed.CopyTo(unpacked);
        }

        File.Copy(TestData.Path("tokenizers", "qwen3", "tokenizer_config.json"), At("tokenizer_config.json"));
        return Tokenizer.Open(At("tokenizer.json"));
    }
}
