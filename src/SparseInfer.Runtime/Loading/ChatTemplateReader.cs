using System.Text;
using System.Text.Json;
using SparseInfer.Files;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Loading;

/// <summary>Finds a model's chat templates: in a GGUF file itself, or beside safetensors.</summary>
internal sealed class ChatTemplateReader
{
    private const string GgufKey = "tokenizer.chat_template";
    private const string TokensKey = "tokenizer.ggml.tokens";
    private const string JsonKey = "chat_template";
    private const string Default = "default";

    /// <summary>The longest real ones have some 30 KB.</summary>
    private const int MaximumBytes = 4 << 20;

    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);

    private IReadOnlyDictionary<string, string> _specialTokens = new Dictionary<string, string>();

    private ChatTemplateReader()
    {
    }

    /// <summary>The templates that a path means.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    /// <exception cref="ModelFormatException">A file is damaged.</exception>
    public static ChatTemplateReader Open(string path)
    {
        if (File.Exists(path) && path.EndsWith(".jinja", StringComparison.OrdinalIgnoreCase))
        {
            return OfFiles(CompanionFiles.InFolder(CompanionFiles.FolderOf(path)), Path.GetFileName(path));
        }

        if (TokenizerReader.FindAlone(path) is not null || IsFolderWithTemplate(path))
        {
            return OfFiles(CompanionFiles.InFolder(CompanionFiles.FolderOf(path)));
        }

        using ModelFile file = ModelFile.Open(path);
        return Of(file);
    }

    /// <summary>The templates of an open model.</summary>
    /// <exception cref="ModelFormatException">A file is damaged.</exception>
    public static ChatTemplateReader Of(ModelFile file) => CompanionFiles.Of(file) is { } files ? OfFiles(files)
        : file.Format == ModelFileFormat.Gguf ? OfGguf(file.Metadata)
        : new ChatTemplateReader();

    /// <summary>A model's default template; null, with a note where one is there that cannot be used.</summary>
    public static ChatTemplate? OfModel(ModelFile file, ICollection<string> notes)
    {
        try
        {
            return Of(file).Find(null);
        }
        catch (Exception wrong) when (wrong is ChatTemplateException or ModelFormatException or IOException or UnauthorizedAccessException)
        {
            notes.Add($"No chat template: {wrong.Message.TrimEnd('.')}.");
            return null;
        }
    }

    /// <summary>A template by its name; null: the default one. The result is null where there is none.</summary>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported.</exception>
    public ChatTemplate? Find(string? name) =>
        _sources.TryGetValue(name ?? Default, out string? source) ? new ChatTemplate(source, _specialTokens) : null;

    private static bool IsFolderWithTemplate(string path) =>
        Directory.Exists(path) && !Directory.EnumerateFiles(path, "*.gguf").Any()
        && CompanionFiles.InFolder(path) is var files && (files.Has(CompanionFiles.ChatTemplate) || files.Has(CompanionFiles.TokenizerConfig));

    /// <summary><c>tokenizer.chat_template</c>, and <c>tokenizer.chat_template.NAME</c> for others.</summary>
    private static ChatTemplateReader OfGguf(ModelMetadata metadata)
    {
        var reader = new ChatTemplateReader();
        foreach (string key in metadata.Keys)
        {
            if (key == GgufKey || key.StartsWith($"{GgufKey}.", StringComparison.Ordinal))
            {
                reader._sources[key == GgufKey ? Default : key[(GgufKey.Length + 1)..]] = metadata.GetString(key);
            }
        }

        if (reader._sources.Count > 0 && metadata.TryGetStringArray(TokensKey, out string[]? pieces))
        {
            string? Piece(string key) => metadata.TryGetInt64(key, out long id) && id >= 0 && id < pieces.Length ? pieces[id] : null;
            reader._specialTokens = SpecialTokenTexts.Of(
                (SpecialTokenTexts.Begin, Piece("tokenizer.ggml.bos_token_id")),
                (SpecialTokenTexts.End, Piece("tokenizer.ggml.eos_token_id")),
                (SpecialTokenTexts.Unknown, Piece("tokenizer.ggml.unknown_token_id")),
                (SpecialTokenTexts.Padding, Piece("tokenizer.ggml.padding_token_id")));
        }

        return reader;
    }

    /// <summary><c>chat_template.jinja</c> before <c>tokenizer_config.json</c>, as the transformers library has it.</summary>
    private static ChatTemplateReader OfFiles(CompanionFiles files, string template = CompanionFiles.ChatTemplate)
    {
        var reader = new ChatTemplateReader();
        if (files.Has(CompanionFiles.TokenizerConfig))
        {
            using FileRegion region = files.Open(CompanionFiles.TokenizerConfig);
            JsonNode root = JsonNode.Parse(region, HuggingFaceConfig.MaximumFileBytes, out JsonDocument document);
            using (document)
            {
                reader.ReadConfig(root);
            }
        }

        if (files.Has(template))
        {
            using FileRegion region = files.Open(template);
            reader._sources[Default] = Encoding.UTF8.GetString(JsonText.Whole(region, MaximumBytes));
        }

        return reader;
    }

    private void ReadConfig(JsonNode root)
    {
        JsonNode templates = root[JsonKey];
        if (templates.IsString)
        {
            _sources[Default] = templates.Text();
        }
        else
        {
            foreach (JsonNode one in templates.Items())
            {
                _sources[one["name"].Text()] = one["template"].Text();
            }
        }

        _specialTokens = SpecialTokenTexts.Of(
            (SpecialTokenTexts.Begin, HuggingFaceConfig.TextOf(root[SpecialTokenTexts.Begin])),
            (SpecialTokenTexts.End, HuggingFaceConfig.TextOf(root[SpecialTokenTexts.End])),
            (SpecialTokenTexts.Unknown, HuggingFaceConfig.TextOf(root[SpecialTokenTexts.Unknown])),
            (SpecialTokenTexts.Padding, HuggingFaceConfig.TextOf(root[SpecialTokenTexts.Padding])));
    }
}
