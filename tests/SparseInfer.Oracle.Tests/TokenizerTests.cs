using System.IO.Compression;
using System.Text.Json;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Oracle.Tests;

/// <summary>Text becomes the tokens that llama.cpp makes of it, under every pre-tokenizer that both know, and with real vocabularies.</summary>
public sealed class TokenizerTests : IDisposable
{
    private static readonly string Vocabularies = Path.Combine(AppContext.BaseDirectory, "tokenizers");

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    /// <summary>One name for each way to cut words.</summary>
    public static TheoryData<string> Kinds => [.. Text.PreTokenizers.Names];

    /// <summary>All other names in GGUF files that are supported.</summary>
    public static TheoryData<string> Aliases =>
    [
        "phi-2", "jina-es", "jina-de", "gigachat", "a.x-4.0", "mellum", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
        "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "dbrx", "smaug-bpe", "chatglm-bpe", "glm4",
        "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2",
        "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2",
        "hunyuan-dense", "joyai-llm",
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Words_are_cut_as_llama_cpp_cuts_them(string pre) =>
        Compare(PairVocabulary.Save(At("pairs.gguf"), pre), [.. OracleTexts.OfClasses(200), .. OracleTexts.OfUnicode(100)], pre);

    [Theory]
    [MemberData(nameof(Aliases))]
    public void Another_name_means_what_it_means_to_llama_cpp(string pre) =>
        Compare(PairVocabulary.Save(At("pairs.gguf"), pre, onlyAscii: true), [.. OracleTexts.OfClasses(50)], pre);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pieces_merge_as_llama_cpp_merges_them(bool addsSpace) =>
        Compare(SavePieces(At("pieces.gguf"), addsSpace), [.. OracleTexts.Written, .. OracleTexts.OfClasses(300), .. OracleTexts.OfUnicode(100)]);

    [Theory]
    [InlineData("ggml-vocab-gpt-2.gguf")]
    [InlineData("ggml-vocab-phi-3.gguf")]
    [InlineData("stories-relu.gguf")]
    public void Tokens_of_a_real_vocabulary_are_llama_cpps(string file) =>
        Compare(Path.Combine(Vocabularies, file), [.. OracleTexts.Written, .. OracleTexts.OfClasses(100), .. OracleTexts.OfUnicode(100)]);

    [Fact]
    public void Tokens_of_qwen_3s_vocabulary_are_llama_cpps() =>
        Compare(SaveQwen3(At("qwen3.gguf")), [.. OracleTexts.Written, .. OracleTexts.OfClasses(100), .. OracleTexts.OfUnicode(100)]);

    private static void Compare(string path, IReadOnlyList<string> texts, string pre = "")
    {
        Assert.SkipWhen(LlamaCpp.WhyNot is not null && Environment.GetEnvironmentVariable("CI") != "true", LlamaCpp.WhyNot ?? "");
        using var llama = new LlamaCppVocabulary(path);
        Tokenizer ours = Tokenizer.Open(path);

        // The expression of these asks for \p{S}, which ends before '~' in the package's llama.cpp: mended there on 18 August 2026.
        bool hasNoTilde = pre is "deepseek-v3" or "hunyuan-dense" or "joyai-llm";
        foreach (string text in hasNoTilde ? texts.Select(text => text.Replace("~", "", StringComparison.Ordinal)) : texts)
        {
            string shown = JsonSerializer.Serialize(text);
            ours.Encode(text, addBeginOfSequence: true).ShouldBe(llama.Encode(text), shown);
            ours.Encode(text, addBeginOfSequence: false, parseControlTokens: true).ShouldBe(llama.Encode(text, addBegin: false, parseControlTokens: true), shown);
        }
    }

    /// <summary>A SentencePiece vocabulary with tokens that text names: one for control, one of the user's.</summary>
    private static string SavePieces(string path, bool addsSpace)
    {
        var vocabulary = TinyVocabulary.SentencePiece("<unk>", "<s>", "</s>", "<|end|>");
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("tokenizer.ggml.model", "llama");
        writer.Add("tokenizer.ggml.tokens", [.. vocabulary.Pieces, "<tool>"]);
        writer.Add("tokenizer.ggml.scores", [.. vocabulary.Scores, 0f]);
        writer.Add("tokenizer.ggml.token_type", [.. vocabulary.Types, 4]);
        writer.Add("tokenizer.ggml.bos_token_id", 1u);
        writer.Add("tokenizer.ggml.eos_token_id", 2u);
        writer.Add("tokenizer.ggml.unknown_token_id", 0u);
        writer.Add("tokenizer.ggml.add_space_prefix", addsSpace);
        writer.Save(path);
        return path;
    }

    /// <summary>The published <c>tokenizer.json</c> as llama.cpp's converter writes it.</summary>
    private static string SaveQwen3(string path)
    {
        using var zipped = new GZipStream(File.OpenRead(Path.Combine(Vocabularies, "tokenizer.json.gz")), CompressionMode.Decompress);
        using JsonDocument json = JsonDocument.Parse(zipped);
        JsonElement model = json.RootElement.GetProperty("model");
        JsonElement[] added = [.. json.RootElement.GetProperty("added_tokens").EnumerateArray()];
        (string Piece, int Id, int Type)[] tokens =
        [
            .. model.GetProperty("vocab").EnumerateObject().Select(token => (token.Name, token.Value.GetInt32(), 1)),
            .. added.Select(token => (token.GetProperty("content").GetString()!, token.GetProperty("id").GetInt32(), token.GetProperty("special").GetBoolean() ? 3 : 4)),
        ];
        Array.Sort(tokens, (one, other) => one.Id.CompareTo(other.Id));
        var writer = new GgufWriter();
        writer.Add("general.architecture", "qwen3");
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", "qwen2");
        writer.Add("tokenizer.ggml.tokens", [.. tokens.Select(token => token.Piece)]);
        writer.Add("tokenizer.ggml.token_type", [.. tokens.Select(token => token.Type)]);
        writer.Add("tokenizer.ggml.merges", [.. model.GetProperty("merges").EnumerateArray().Select(Merge)]);
        writer.Add("tokenizer.ggml.eos_token_id", 151645u);
        writer.Add("tokenizer.ggml.add_bos_token", false);
        writer.Save(path);
        return path;

        static string Merge(JsonElement pair) => pair.ValueKind == JsonValueKind.String ? pair.GetString()! : $"{pair[0].GetString()} {pair[1].GetString()}";
    }

    private string At(string name) => Path.Combine(_folder, name);
}
