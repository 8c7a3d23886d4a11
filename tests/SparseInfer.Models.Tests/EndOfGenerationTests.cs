using System.Text.Json.Nodes;
using Models;

namespace SparseInfer.Models.Tests;

/// <summary>Every end of generation that a model's files name ends one.</summary>
public sealed class EndOfGenerationTests(LoadedModels models) : IDisposable
{
    private const string Prompt = "Once upon a time";

    private static readonly GenerationOptions Greedy = new() { MaxTokens = 40, Temperature = 0 };

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("tokenizer.ggml.eos_token_id")]
    [InlineData("tokenizer.ggml.eot_token_id")]
    [InlineData("tokenizer.ggml.eom_token_id")]
    public async Task A_key_that_names_a_token_ends_the_text_there(string key)
    {
        string path = new GgufCopy().Without(key == "tokenizer.ggml.eos_token_id" ? key : "no such key")
            .Add(writer => writer.Add(key, (uint)FullStop)).Write(BundledFiles.ReluGguf, _folder.At("ends.gguf"));
        using ReluF16 model = ReluF16.Load(path, models.Device(1));
        await EndsAtTheFirstStop(model);
    }

    [Theory]
    [InlineData("config.json", "STOP")]
    [InlineData("config.json", "[2, STOP]")]
    [InlineData("generation_config.json", "STOP")]
    [InlineData("generation_config.json", "[2, STOP, 100000, -1]")]
    public async Task A_file_beside_safetensors_that_names_a_token_ends_the_text_there(string name, string value)
    {
        File.Copy(BundledFiles.ReluSafetensors, _folder.At("model.safetensors"));
        File.Copy(Path.Combine(BundledFiles.ReluFolder, "config.json"), _folder.At("config.json"));
        JsonNode ids = JsonNode.Parse(value.Replace("STOP", $"{FullStop}", StringComparison.Ordinal))!;
        JsonNode json = File.Exists(_folder.At(name)) ? JsonNode.Parse(File.ReadAllText(_folder.At(name)))! : new JsonObject();
        json["eos_token_id"] = ids;
        File.WriteAllText(_folder.At(name), json.ToJsonString());
        using ReluF16 model = ReluF16.Load(
            _folder.At("model.safetensors"), models.Device(1), new LoadOptions { TokenizerPath = BundledFiles.ReluGguf });
        await EndsAtTheFirstStop(model);
    }

    [Fact]
    public async Task An_unreadable_generation_config_is_noted_and_does_no_harm()
    {
        File.Copy(BundledFiles.ReluSafetensors, _folder.At("model.safetensors"));
        File.Copy(Path.Combine(BundledFiles.ReluFolder, "config.json"), _folder.At("config.json"));
        File.WriteAllText(_folder.At("generation_config.json"), "no json");
        using ReluF16 model = ReluF16.Load(
            _folder.At("model.safetensors"), models.Device(1), new LoadOptions { TokenizerPath = BundledFiles.ReluGguf });
        model.LoadReport.Notes.ShouldContain(note => note.Contains("generation_config.json"));
        (await model.GenerateAsync(Prompt, Greedy).TextAsync()).ShouldContain(".");
    }

    [Fact]
    public async Task The_end_is_told_but_not_in_the_sequence_and_generating_on_ends_again()
    {
        string path = new GgufCopy().Add(writer => writer.Add("tokenizer.ggml.eot_token_id", (uint)FullStop))
            .Write(BundledFiles.ReluGguf, _folder.At("ends.gguf"));
        using ReluF16 model = ReluF16.Load(path, models.Device(1));
        using Session session = model.CreateSession();
        string text = await session.GenerateAsync(Prompt, Greedy).TextAsync();
        int position = session.Position;
        session.LastGeneration!.EndToken.ShouldBe(FullStop);
        (await session.GenerateAsync("", Greedy).TextAsync()).ShouldBeEmpty();
        session.LastGeneration.Reason.ShouldBe(StopReason.EndOfSequence);
        session.Position.ShouldBe(position);

        // A chat that wants it in the sequence appends it, and goes on as if nothing had ended.
        session.Forward([FullStop]);
        string rest = await session.GenerateAsync("", Greedy with { MaxTokens = 5 }).TextAsync();
        string whole = await models.Get(Loaded.ReluF16).GenerateAsync(Prompt, Greedy).TextAsync();
        whole.ShouldStartWith(text + "." + rest);
        session.LastGeneration.EndToken.ShouldBeNull();
    }

    public void Dispose() => _folder.Dispose();

    private int FullStop => models.Get(Loaded.ReluF16).Tokenizer.Encode(".", addBeginOfSequence: false, continuesText: true).ShouldHaveSingleItem();

    private async Task EndsAtTheFirstStop(LanguageModel model)
    {
        string whole = await models.Get(Loaded.ReluF16).GenerateAsync(Prompt, Greedy).TextAsync();
        using Session session = model.CreateSession();
        string text = await session.GenerateAsync(Prompt, Greedy).TextAsync();
        text.ShouldBe(whole[..whole.IndexOf('.', StringComparison.Ordinal)]);
        session.LastGeneration!.Reason.ShouldBe(StopReason.EndOfSequence);
        string on = await session.GenerateAsync("", Greedy with { IgnoreEndOfSequence = true }).TextAsync();
        (text + on).ShouldStartWith(whole);
    }
}
