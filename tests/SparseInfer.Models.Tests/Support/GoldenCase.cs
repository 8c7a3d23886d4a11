using System.Runtime.InteropServices;
using System.Text.Json;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>What another implementation computed in double precision for one prompt.</summary>
/// <param name="Prompt">The text.</param>
/// <param name="Tokens">Its tokens, the begin-of-sequence token first.</param>
/// <param name="GreedyTokens">The 160 most probable tokens that follow, one after the other.</param>
/// <param name="GreedyText">The prompt and their text.</param>
/// <param name="Logits">[tokens x vocabulary].</param>
internal sealed record GoldenCase(string Prompt, int[] Tokens, int[] GreedyTokens, string GreedyText, float[] Logits)
{
    public static GoldenCase[] Read(string folder)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "golden.json")));
        using ModelFile logits = ModelFile.Open(Path.Combine(folder, "golden-logits.safetensors"));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select((element, i) => new GoldenCase(
            element.GetProperty("prompt").GetString()!,
            [.. element.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
            [.. element.GetProperty("greedy_ids").EnumerateArray().Select(id => id.GetInt32())],
            element.GetProperty("greedy_text").GetString()!,
            MemoryMarshal.Cast<byte, float>(logits.Tensors.Single(tensor => tensor.Name == $"case{i}.logits").Bytes).ToArray()))];
    }
}
