using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>
/// A vocabulary of some hundred tokens that can spell every text: all bytes, and what merging the pairs that are most frequent in a few lines
/// makes of them. As with <see cref="TinyModel"/>, nothing is taken from the tokenizers under test.
/// </summary>
/// <param name="Pieces">The tokens' texts, as files have them.</param>
/// <param name="Types">Their types, as GGUF files number them.</param>
/// <param name="Merges">Byte-level BPE: pairs with a space between, the first merged first.</param>
/// <param name="Scores">SentencePiece: of two pieces the higher one is made first.</param>
internal sealed record TinyVocabulary(string[] Pieces, int[] Types, string[] Merges, float[] Scores)
{
    /// <summary>Of a byte-level model with nothing but the text's own spaces.</summary>
    public const string ByteLevelStep = """{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}""";

    private const int Normal = 1, Unknown = 2, Control = 3, Byte = 6;
    private const int MergeCount = 120;

    private const string Sample = """
        The quick brown fox jumps over the lazy dog: 42 times, 128 days, 1024 nights. The fox doesn't tire; the dog's asleep.
        Grüße aus Köln, größer und schöner. Привет, мир! Быстрая лиса. مرحبا بالعالم. 你好，世界。 こんにちは世界。 안녕 세계.
            for (int i = 0; i < 10; i++) { total += values[i]; }
        """;

    private static readonly string[] ByteCharacters = MakeByteCharacters();

    /// <summary>Byte-level BPE, as GPT-2's.</summary>
    /// <param name="before">Control tokens with the first ids.</param>
    /// <param name="after">Control tokens with the last ids.</param>
    public static TinyVocabulary ByteLevel(string[] before, string[] after)
    {
        string[] merges = Learn(Regex.Matches(Sample, @"'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+")
            .Select(word => Encoding.UTF8.GetBytes(word.Value).Select(value => ByteCharacters[value])));
        string[] merged = [.. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))];
        return new TinyVocabulary(
            [.. before, .. ByteCharacters, .. merged, .. after],
            [.. before.Select(_ => Control), .. Enumerable.Repeat(Normal, 256 + merged.Length), .. after.Select(_ => Control)],
            merges,
            []);
    }

    /// <summary>SentencePiece's BPE with byte fallback.</summary>
    /// <param name="before">Tokens with the first ids; the unknown one is among them.</param>
    public static TinyVocabulary SentencePiece(params string[] before)
    {
        string text = "▁" + Sample.Replace(' ', '▁');
        string[] characters = [.. text.EnumerateRunes().Select(rune => rune.ToString()).Where(character => character is not ("\n" or "\r")).Distinct()];
        string[] merged = [.. Learn(Regex.Matches(text, "▁*[^▁\r\n]+").Select(word => word.Value.EnumerateRunes().Select(rune => rune.ToString())))
            .Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))];
        string[] bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];
        return new TinyVocabulary(
            [.. before, .. bytes, .. merged, .. characters],
            [
                .. before.Select(piece => piece == "<unk>" ? Unknown : Control), .. Enumerable.Repeat(Byte, 256),
                .. Enumerable.Repeat(Normal, merged.Length + characters.Length),
            ],
            [],
            [.. Enumerable.Repeat(0f, before.Length + 256), .. Enumerable.Range(1, merged.Length + characters.Length).Select(rank => -(float)rank)]);
    }

    /// <summary>The keys of a GGUF file.</summary>
    /// <param name="pre">The pre-tokenizer's name.</param>
    /// <param name="more">Ids of special tokens, and what else the file says.</param>
    public (string Key, object? Value)[] Gguf(string pre, params (string Key, object? Value)[] more) =>
    [
        ("tokenizer.ggml.model", Merges.Length > 0 ? "gpt2" : "llama"),
        ("tokenizer.ggml.pre", pre),
        ("tokenizer.ggml.tokens", Pieces),
        ("tokenizer.ggml.token_type", Types),
        Merges.Length > 0 ? ("tokenizer.ggml.merges", Merges) : ("tokenizer.ggml.scores", Scores),
        .. more.Select(pair => ("tokenizer.ggml." + pair.Key, pair.Value)),
    ];

    /// <summary>The text of a <c>tokenizer.json</c> of byte-level BPE.</summary>
    /// <param name="preTokenizer">The step that cuts a text and spells it in bytes.</param>
    /// <param name="begin">The token that opens sequences; null: none does.</param>
    /// <param name="normalizer">What is done to a text first.</param>
    public string TokenizerJson(string preTokenizer, string? begin = null, string normalizer = "null")
    {
        int[] control = [.. Enumerable.Range(0, Pieces.Length).Where(token => Types[token] == Control)];
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(
                [.. control.Select(token => new JsonObject { ["id"] = token, ["content"] = Pieces[token], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true })]),
            ["normalizer"] = JsonNode.Parse(normalizer),
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["post_processor"] = begin is null ? JsonNode.Parse("""{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}""") : new JsonObject
            {
                ["type"] = "TemplateProcessing",
                ["single"] = JsonNode.Parse($$$"""[{"SpecialToken": {"id": "{{{begin}}}", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]"""),
                ["special_tokens"] = new JsonObject { [begin] = new JsonObject { ["id"] = begin, ["ids"] = new JsonArray(Array.IndexOf(Pieces, begin)), ["tokens"] = new JsonArray(begin) } },
            },
            ["decoder"] = JsonNode.Parse("""{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = new JsonObject(Pieces.Select((piece, token) => KeyValuePair.Create(piece, (JsonNode?)token))),
                ["merges"] = new JsonArray([.. Merges.Select(merge => (JsonNode)merge)]),
            },
        }.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    /// <summary>The pairs that merge, most frequent first, and of equally frequent ones the first in ordinal order.</summary>
    private static string[] Learn(IEnumerable<IEnumerable<string>> texts)
    {
        List<string>[] words = [.. texts.Select(symbols => symbols.ToList())];
        var merges = new List<string>();
        while (merges.Count < MergeCount)
        {
            (string left, string right) = words
                .SelectMany(word => word.Zip(word.Skip(1)))
                .CountBy(pair => pair)
                .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.First, StringComparer.Ordinal).ThenBy(pair => pair.Key.Second, StringComparer.Ordinal)
                .First().Key;
            merges.Add($"{left} {right}");
            foreach (List<string> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }

        return [.. merges];
    }

    /// <summary>GPT-2's: what can be seen stands for itself, the other bytes for the characters from 256 on.</summary>
    private static string[] MakeByteCharacters()
    {
        string[] characters = new string[256];
        char next = (char)256;
        for (int value = 0; value < 256; value++)
        {
            bool isSeen = value is (> ' ' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            characters[value] = (isSeen ? (char)value : next++).ToString();
        }

        return characters;
    }
}
