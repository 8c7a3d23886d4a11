using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>The ids of tokens at which generation ends, as a model's files name them beside the end of the sequence.</summary>
internal static class EndOfGenerationIds
{
    private const string HuggingFaceKey = "eos_token_id";

    /// <summary>The keys in GGUF files, but for the end of the sequence.</summary>
    public static IReadOnlyList<string> GgufKeys { get; } =
    [
        "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
        "tokenizer.ggml.fim_sep_token_id",
    ];

    /// <summary>What the files of Hugging Face beside a model name; nothing where a model has none.</summary>
    /// <param name="file">The model.</param>
    /// <param name="vocabulary">Ids past it are absent ones.</param>
    /// <param name="notes">What cannot be read is told here.</param>
    public static IReadOnlyList<int> Beside(ModelFile file, int vocabulary, List<string> notes) =>
        CompanionFiles.Of(file) is { } files ? [.. In(files, notes).Where(id => id >= 0 && id < vocabulary)] : [];

    /// <summary>What files of Hugging Face name.</summary>
    /// <param name="files">The files.</param>
    /// <param name="notes">What cannot be read is told here.</param>
    public static IReadOnlyList<int> In(CompanionFiles files, ICollection<string> notes)
    {
        List<int> ids = [];
        ReadFile(files, CompanionFiles.Config, ids, notes);
        ReadFile(files, CompanionFiles.GenerationConfig, ids, notes);
        return ids;
    }

    private static void ReadFile(CompanionFiles files, string name, List<int> ids, ICollection<string> notes)
    {
        if (!files.Has(name))
        {
            return;
        }

        try
        {
            using FileRegion region = files.Open(name);
            Read(JsonMetadata.Read(region), ids);
        }
        catch (Exception exception) when (exception is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture, $"The ends of generation in {name} are not known: {exception.Message}"));
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
