using System.Text.Json;
using System.Text.Json.Nodes;
using Models;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Models.Tests;

/// <summary>Folders as Hugging Face has them: weights, <c>config.json</c> and <c>tokenizer.json</c>.</summary>
public sealed class HuggingFaceFolderTests(LoadedModels models) : IDisposable
{
    private const string Story = "Once upon a time, there was a little girl named Zoë.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_loads_with_its_tokenizer_and_gives_the_text_that_the_gguf_file_gives()
    {
        WriteModel();
        WriteTokenizer(TokenizerJson());
        using ReluF16 model = ReluF16.Load(_folder.Root, Device);
        model.LoadReport.Notes.ShouldNotContain(note => note.Contains("okenizer"));
        LanguageModel fromGguf = models.Get(Loaded.ReluF16);
        int[] tokens = fromGguf.Tokenizer.Encode(Story, addBeginOfSequence: true);
        model.Tokenizer.Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
        model.Tokenizer.Decode(tokens).ShouldBe(Story);
        model.Tokenizer.EndOfSequence.ShouldBeNull();
        model.Tokenizer.IsEndOfGeneration(2).ShouldBeTrue(); // config.json says so

        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0, StopStrings = ["girl"] };
        (await model.GenerateAsync("Once upon a time", options).TextAsync())
            .ShouldBe(await fromGguf.GenerateAsync("Once upon a time", options).TextAsync());

        // The folder, its files and the tokenizer alone mean the same tokenizer.
        foreach (string path in new[] { _folder.Root, _folder.At("model.safetensors"), _folder.At("tokenizer.json") })
        {
            Tokenizer.Open(path).Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
        }

        using ReluF16 other = ReluF16.Load(BundledFiles.ReluGguf, Device, new LoadOptions { TokenizerPath = _folder.At("tokenizer.json") });
        other.Tokenizer.Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
    }

    [Fact]
    public void A_tokenizer_that_cannot_be_used_leaves_a_model_of_token_ids()
    {
        WriteModel();
        foreach ((string json, string reason) in new[]
        {
            ("{", "tokenizer.json: this is not valid JSON at line 1"),
            (TokenizerJson().Replace("\"BPE\"", "\"WordPiece\""), "tokenizer.json: 'model.type' is 'WordPiece', which is not supported"),
            (TokenizerJson().Replace("\"<s>\":1,", $"\"<s>\":1,{JsonSerializer.Serialize(HostileText.Long)}:600,"), "the tokenizer has 601 tokens"),
            (TokenizerJson().Replace("\"BPE\"", JsonSerializer.Serialize(HostileText.Short)), "which is not supported"),
        })
        {
            WriteTokenizer(json);
            using ReluF16 model = ReluF16.Load(_folder.Root, Device);
            model.HasTokenizer.ShouldBeFalse();
            string note = model.LoadReport.Notes.Single(note => note.StartsWith("No tokenizer: "));
            note.ShouldContain(reason);
            HostileText.ShouldBeHarmless(note);
        }
    }

    private CpuDevice Device => models.Device(threads: 1);

    /// <summary>The vocabulary of the GGUF file with merges as Hugging Face derives them: every way to make a piece of two, best score first.</summary>
    private static string TokenizerJson()
    {
        using ModelFile file = ModelFile.Open(BundledFiles.ReluGguf);
        file.Metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? pieces).ShouldBeTrue();
        file.Metadata.TryGetSingleArray("tokenizer.ggml.scores", out float[]? scores).ShouldBeTrue();
        Dictionary<string, int> ids = pieces!.Select((piece, id) => (piece, id)).ToDictionary();
        var merges = pieces!.Select((piece, id) => (Piece: piece, Id: id)).Where(token => token.Id > 258)
            .SelectMany(token => Enumerable.Range(1, token.Piece.Length - 1)
                .Select(at => (Left: token.Piece[..at], Right: token.Piece[at..], Score: scores![token.Id])))
            .Where(merge => ids.ContainsKey(merge.Left) && ids.ContainsKey(merge.Right))
            .OrderByDescending(merge => merge.Score);
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(
                [.. Enumerable.Range(0, 3).Select(id => new JsonObject { ["id"] = id, ["content"] = pieces![id], ["special"] = true })]),
            ["normalizer"] = JsonNode.Parse("""
                {"type": "Sequence", "normalizers": [
                    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
                """),
            ["post_processor"] = JsonNode.Parse("""
                {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                 "special_tokens": {"<s>": {"ids": [1]}}}
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = true,
                ["vocab"] = new JsonObject(ids.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]),
            },
        }.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private void WriteModel()
    {
        File.Copy(BundledFiles.ReluSafetensors, _folder.At("model.safetensors"));
        File.Copy(Path.Combine(BundledFiles.ReluFolder, "config.json"), _folder.At("config.json"));
    }

    private void WriteTokenizer(string json) => File.WriteAllText(_folder.At("tokenizer.json"), json);
}
