using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Oracle.Tests;

/// <summary>A tiny model of a family with a vocabulary of the kind that its published models have.</summary>
/// <param name="Name">The family, and the form of its files.</param>
/// <param name="Tiny">The model.</param>
/// <param name="Vocabulary">Its tokens.</param>
/// <param name="Save">Writes it into an empty folder, and says what to open.</param>
/// <param name="Arguments">What must be said beside the file's name.</param>
internal sealed record TextFamily(string Name, TinyModel Tiny, TinyVocabulary Vocabulary, Func<TinyModel, TinyVocabulary, string, string> Save, params string[] Arguments)
{
    /// <summary>Published vocabularies end their turns with these.</summary>
    private static readonly string[] Chat = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    private const string Qwen2Step = """
        {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {
            "Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
          {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]}
        """;

    public static IReadOnlyList<TextFamily> All { get; } =
    [
        Gguf(TinyModels.Of("arcee"), TinyVocabulary.ByteLevel([], ["<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>"]), "llama-bpe", "<|begin_of_text|>", "<|im_end|>"),
        Gguf(TinyModels.Of("jais2"), TinyVocabulary.ByteLevel(["<|begin_of_text|>", "<|endoftext|>"], ["<|eot_id|>"]), "jais-2", "<|begin_of_text|>", "<|eot_id|>"),

        // As the converter writes it, the unknown token is 1 and the first one pads.
        Gguf(TinyModels.Of("nemotron"), TinyVocabulary.SentencePiece("<pad>", "<unk>", "<s>", "</s>"), "default", "<s>", "</s>", ("unknown_token_id", 1u), ("padding_token_id", 0u)),
        Gguf(TinyModels.Of("qwen2"), TinyVocabulary.ByteLevel([], Chat), "qwen2", "<|endoftext|>", "<|im_end|>", ("add_bos_token", false)) with { Arguments = ["--activation", "silu"] },
        Folder(
            "qwen2",
            TinyVocabulary.ByteLevel([], Chat),
            vocabulary => vocabulary.TokenizerJson(Qwen2Step, normalizer: """{"type": "NFC"}"""),
            """{"add_bos_token": false, "bos_token": null, "eos_token": "<|im_end|>"}""",
            ("hidden_act", "silu")),
        Gguf(TinyModels.Of("qwen3"), TinyVocabulary.ByteLevel([], Chat), "qwen2", "<|endoftext|>", "<|im_end|>", ("add_bos_token", false)) with { Arguments = ["--activation", "silu"] },
        // Windows of 4096, whatever a file says, are llama.cpp's.
        Gguf(TinyExperts.SmallThinker(window: 4096), TinyVocabulary.ByteLevel([], Chat), "qwen2", "<|endoftext|>", "<|im_end|>", ("add_bos_token", false)),

        // Its first four ids are no texts, and the end of a sequence opens one.
        Folder(
            "opt",
            TinyVocabulary.ByteLevel(["<s>", "<pad>", "</s>", "<unk>"], []),
            vocabulary => vocabulary.TokenizerJson(TinyVocabulary.ByteLevelStep, begin: "</s>"),
            """{"add_bos_token": true, "bos_token": "</s>", "eos_token": "</s>"}""",
            ("bos_token_id", 2), ("eos_token_id", 2), ("pad_token_id", 1)),
    ];

    public override string ToString() => Name;

    private static TextFamily Gguf(
        TinyModel model, TinyVocabulary vocabulary, string pre, string begin, string end, params (string Key, object? Value)[] more) => new(
            $"{model.Architecture} GGUF",
            model with { VocabularySize = vocabulary.Pieces.Length },
            vocabulary,
            (tiny, words, folder) => tiny.SaveGguf(
                Path.Combine(folder, $"{model.Architecture}.gguf"),
                words.Gguf(pre, [("bos_token_id", (uint)Array.IndexOf(words.Pieces, begin)), ("eos_token_id", (uint)Array.IndexOf(words.Pieces, end)), .. more])));

    /// <summary>The table of embeddings has some rows more than there are tokens, as published ones have.</summary>
    private static TextFamily Folder(
        string architecture, TinyVocabulary vocabulary, Func<TinyVocabulary, string> tokenizerJson, string tokenizerConfig, params (string Key, object? Value)[] config) => new(
            $"{architecture} folder",
            TinyModels.Of(architecture) with { VocabularySize = vocabulary.Pieces.Length + 7 },
            vocabulary,
            (tiny, words, folder) =>
            {
                File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizerJson(words));
                File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), tokenizerConfig);
                return tiny.SaveConfig(folder, config);
            });
}
