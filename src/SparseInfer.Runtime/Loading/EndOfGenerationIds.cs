using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>The ids of tokens at which generation ends, as a model's files name them beside the end of the sequence.</summary>
internal static class EndOfGenerationIds
{
    /// <summary>Hugging Face's libraries read it beside <c>config.json</c>, and there it is often the more complete.</summary>
    private const string GenerationConfig = "generation_config.json";

    private const string Config = "config.json";
    private const string HuggingFaceKey = "eos_token_id";

    /// <summary>The keys in GGUF files, but for the end of the sequence.</summary>
    public static IReadOnlyList<string> GgufKeys { get; } =
    [
        "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
        "tokenizer.ggml.fim_sep_token_id",
    ];

    /// <summary>What the files beside safetensors name; nothing for other formats.</summary>
    /// <param name="file">The model.</param>
    /// <param name="vocabulary">Ids past it are absent ones.</param>
    /// <param name="notes">What cannot be read is told here.</param>
    public static IReadOnlyList<int> BesideSafetensors(ModelFile file, int vocabulary, List<string> notes)
    {
        List<int> ids = [];
        if (file.Format != ModelFileFormat.Safetensors)
        {
            return ids;
        }

        Read(file.Metadata, ids);
        ReadFile(Path.Combine((Directory.Exists(file.Path) ? file.Path : Path.GetDirectoryName(file.Path)) ?? "", GenerationConfig), ids, notes);
        ids.RemoveAll(id => id < 0 || id >= vocabulary);
        return ids;
    }

    /// <summary>What the files of a folder name.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="notes">What cannot be read is told here.</param>
    public static IReadOnlyList<int> InFolder(string folder, ICollection<string> notes)
    {
        List<int> ids = [];
        ReadFile(Path.Combine(folder, Config), ids, notes);
        ReadFile(Path.Combine(folder, GenerationConfig), ids, notes);
        return ids;
    }

    private static void ReadFile(string path, List<int> ids, ICollection<string> notes)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using FileRegion region = FileRegion.Open(path, intoMemory: false);
            Read(JsonMetadata.Read(region), ids);
        }
        catch (Exception exception) when (exception is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture, $"The ends of generation in {Path.GetFileName(path)} are not known: {exception.Message}"));
        }
    }

    private static void Read(ModelMetadata metadata, List<int> ids)
    {
        if (metadata.TryGetInt64(HuggingFaceKey, out long id))
        {
            ids.Add((int)Math.Clamp(id, -1, int.MaxValue));
        }
        else if (metadata.TryGetInt32Array(HuggingFaceKey, out int[]? several))
        {
            ids.AddRange(several);
        }
    }
}
