using System.Text.Json;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>What <c>tokenizer_config.json</c> says that the files beside it leave open.</summary>
internal sealed class HuggingFaceConfig
{
    public const int MaximumFileBytes = 16 << 20;

    /// <summary>The text of the token that opens sequences, or null.</summary>
    public string? BeginOfSequence { get; private init; }

    /// <summary>The text of the token that ends them, or null.</summary>
    public string? EndOfSequence { get; private init; }

    /// <summary>Whether sequences open with one; null: it does not say.</summary>
    public bool? AddBeginOfSequence { get; private init; }

    /// <summary>Whether whole texts end with the token that ends sequences.</summary>
    public bool AddEndOfSequence { get; private init; }

    /// <summary>Tokens beside those of the vocabulary: text, and whether it is a control token.</summary>
    public IReadOnlyDictionary<int, (string Piece, bool Special)> AddedTokens { get; private init; } = new Dictionary<int, (string, bool)>();

    /// <summary>Reads it; one that is not there says nothing.</summary>
    /// <exception cref="ModelFormatException">It is damaged.</exception>
    public static HuggingFaceConfig Read(CompanionFiles files)
    {
        if (!files.Has(CompanionFiles.TokenizerConfig))
        {
            return new HuggingFaceConfig();
        }

        using FileRegion region = files.Open(CompanionFiles.TokenizerConfig);
        JsonNode root = JsonNode.Parse(region, MaximumFileBytes, out JsonDocument document);
        using (document)
        {
            JsonNode add = root["add_bos_token"];
            return new HuggingFaceConfig
            {
                BeginOfSequence = TextOf(root["bos_token"]),
                EndOfSequence = TextOf(root["eos_token"]),
                AddBeginOfSequence = add.IsNull ? null : add.Flag(byDefault: false),
                AddEndOfSequence = root["add_eos_token"].Flag(byDefault: false),
                AddedTokens = root["added_tokens_decoder"] is { IsNull: false } added ? ReadAdded(added) : new Dictionary<int, (string, bool)>(),
            };
        }
    }

    /// <summary>Some files have the text, some an object about it.</summary>
    public static string? TextOf(JsonNode token) => token.IsObject ? token["content"].TextOrNull() : token.TextOrNull();

    private static Dictionary<int, (string Piece, bool Special)> ReadAdded(JsonNode added)
    {
        Dictionary<int, (string Piece, bool Special)> read = [];
        foreach ((string key, JsonNode token) in added.Properties())
        {
            if (!int.TryParse(key, System.Globalization.CultureInfo.InvariantCulture, out int id) || id is < 0 or >= ModelMetadata.MaximumElements)
            {
                throw token.Error("is not named by the id of a token");
            }

            read[id] = (token["content"].Text(), token["special"].Flag(byDefault: false));
        }

        return read;
    }
}
