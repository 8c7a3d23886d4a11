using System.Text.Json;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>What a model's file says of embeddings.</summary>
/// <param name="Pooling">What becomes of tokens' vectors, by what the file says or by default; null: it wants what is not computed.</param>
/// <param name="Refusal">Why it cannot be computed then, as a sentence begins; else null.</param>
internal readonly record struct EmbeddingDefaults(EmbeddingPooling? Pooling, string? Refusal);

/// <summary>Finds how a model's embeddings are pooled: in a GGUF file itself, or as sentence-transformers has it beside safetensors.</summary>
internal static class EmbeddingReader
{
    private const int MaximumFileBytes = 1 << 20;

    /// <summary>Of GGUF's numbers, the ones that pool; 0 says that nothing is, as do files of models that are none for embeddings.</summary>
    private static readonly EmbeddingPooling[] Numbered = [EmbeddingPooling.Mean, EmbeddingPooling.First, EmbeddingPooling.Last];

    private static readonly Dictionary<string, EmbeddingPooling> Named = new(StringComparer.Ordinal)
    {
        ["pooling_mode_mean_tokens"] = EmbeddingPooling.Mean,
        ["pooling_mode_cls_token"] = EmbeddingPooling.First,
        ["pooling_mode_lasttoken"] = EmbeddingPooling.Last,
    };

    /// <summary>Of sentence-transformers' modules, by the last part of their types' names: the model, pooling, and a length of 1, which is the default.</summary>
    private static readonly string[] Computed = ["Transformer", "Pooling", "Normalize"];

    private static readonly EmbeddingDefaults Usual = new(EmbeddingPooling.Mean, null);

    /// <summary>What an open model says.</summary>
    public static EmbeddingDefaults OfModel(ModelFile file)
    {
        EmbeddingDefaults stated = file.Format == ModelFileFormat.Gguf ? OfGguf(file.Metadata) : Usual;
        if (CompanionFiles.Of(file) is not { } files)
        {
            return stated;
        }

        try
        {
            return files.Has(CompanionFiles.Modules) && OtherModule(files) is { } type
                ? new(null, $"{CompanionFiles.Modules} asks for {type}, which is not computed")
                : files.Has(CompanionFiles.Pooling) ? OfFile(files) : stated;
        }
        catch (Exception wrong) when (wrong is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            return new(null, wrong.Message.TrimEnd('.'));
        }
    }

    private static EmbeddingDefaults OfGguf(ModelMetadata metadata) =>
        metadata.TryGetString("general.architecture", out string? architecture)
        && metadata.TryGetInt64($"{architecture}.{GgufKeys.PoolingType}", out long number) && number >= 1 && number <= Numbered.Length
            ? new(Numbered[number - 1], null)
            : Usual;

    /// <summary>The first module that changes vectors and is not computed, such as a projection behind the pooling; null: there is none.</summary>
    private static string? OtherModule(CompanionFiles files)
    {
        using FileRegion region = files.Open(CompanionFiles.Modules);
        JsonNode root = JsonNode.Parse(region, MaximumFileBytes, out JsonDocument document, JsonValueKind.Array);
        using (document)
        {
            return root.Items().Select(module => module["type"].Text()).FirstOrDefault(type => !Computed.Contains(type.Split('.')[^1]));
        }
    }

    /// <summary>Every mode that is true; the libraries put the vectors of several one after the other.</summary>
    private static EmbeddingDefaults OfFile(CompanionFiles files)
    {
        using FileRegion region = files.Open(CompanionFiles.Pooling);
        JsonNode root = JsonNode.Parse(region, MaximumFileBytes, out JsonDocument document);
        using (document)
        {
            string[] modes = [.. root.Properties().Where(mode => mode.Key.StartsWith("pooling_mode_", StringComparison.Ordinal) && mode.Value.Flag(byDefault: false)).Select(mode => mode.Key)];
            return modes switch
            {
                [] => Usual,
                [var mode] when Named.TryGetValue(mode, out EmbeddingPooling pooling) => new(pooling, null),
                _ => new(null, $"{CompanionFiles.Pooling} asks for {string.Join(" and ", modes)}, which is not computed"),
            };
        }
    }
}
