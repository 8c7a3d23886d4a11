using System.Text.Json;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary>A Hugging Face folder of a few thousand random weights, in two shards with their index, and with a tokenizer.</summary>
internal sealed class TinyFolder
{
    public const string Index = "model.safetensors.index.json";

    private TinyFolder(string root) => Root = root;

    public string Root { get; }

    /// <summary>Writes one.</summary>
    public static TinyFolder Write(TinyModel model, string root, params (string Key, object? Value)[] changes)
    {
        Directory.CreateDirectory(root);
        var folder = new TinyFolder(model.SaveConfig(root, changes));
        folder.Split();
        File.WriteAllText(folder.At("tokenizer.json"), Tokenizer());
        File.WriteAllText(folder.At("tokenizer_config.json"), """{"eos_token": "t39"}""");
        File.WriteAllText(folder.At("generation_config.json"), """{"eos_token_id": [39, 38]}""");
        return folder;
    }

    public static string Shard(int number) => $"model-0000{number}-of-00002.safetensors";

    public string At(string name) => Path.Combine(Root, name);

    /// <summary>Changes a JSON file.</summary>
    public void Edit(string name, Action<JsonObject> edit)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(At(name)))!.AsObject();
        edit(json);
        File.WriteAllText(At(name), json.ToJsonString());
    }

    /// <summary>A vocabulary of made-up words: 40 tokens, a few merges.</summary>
    private static string Tokenizer() => new JsonObject
    {
        ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 39, ["content"] = "t39", ["special"] = true }),
        ["pre_tokenizer"] = JsonNode.Parse("""{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"""),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["vocab"] = new JsonObject(Enumerable.Range(0, 40).Select(id => KeyValuePair.Create(
                id < 26 ? $"{(char)('a' + id)}" : id == 26 ? "ab" : id == 27 ? "abc" : $"t{id}", (JsonNode?)id))),
            ["merges"] = new JsonArray("a b", "ab c"),
        },
    }.ToJsonString();

    /// <summary>Every second tensor goes into the second shard.</summary>
    private void Split()
    {
        byte[] whole = File.ReadAllBytes(At("model.safetensors"));
        File.Delete(At("model.safetensors"));
        int length = (int)BitConverter.ToInt64(whole);
        JsonProperty[] tensors = [.. JsonDocument.Parse(whole.AsMemory(8, length)).RootElement.EnumerateObject()];
        var map = new JsonObject();
        foreach (int shard in new[] { 1, 2 })
        {
            var header = new JsonObject();
            using var data = new MemoryStream();
            foreach (JsonProperty tensor in tensors.Where((_, i) => i % 2 == shard - 1))
            {
                int[] offsets = tensor.Value.GetProperty("data_offsets").Deserialize<int[]>()!;
                long start = data.Length;
                data.Write(whole, 8 + length + offsets[0], offsets[1] - offsets[0]);
                JsonObject described = JsonNode.Parse(tensor.Value.GetRawText())!.AsObject();
                described["data_offsets"] = new JsonArray(start, data.Length);
                header[tensor.Name] = described;
                map[tensor.Name] = Shard(shard);
            }

            byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
            File.WriteAllBytes(At(Shard(shard)), [.. BitConverter.GetBytes((long)text.Length), .. text, .. data.ToArray()]);
        }

        File.WriteAllText(At(Index), new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString());
    }
}
