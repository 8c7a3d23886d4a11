using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// The small files that Hugging Face has beside a model's weights: in their folder, or kept in a prepared file, each whole under a key of its
/// own (<see cref="PreparedTensors.FileKey"/>). Whoever reads one gets the same bytes from either.
/// </summary>
internal abstract class CompanionFiles
{
    public const string TokenizerJson = "tokenizer.json";
    public const string SentencePiece = "tokenizer.model";
    public const string TokenizerConfig = "tokenizer_config.json";
    public const string Config = "config.json";

    /// <summary>Where newer libraries save the chat template that <c>tokenizer_config.json</c> had before.</summary>
    public const string ChatTemplate = "chat_template.jinja";

    /// <summary>Hugging Face's libraries read it beside <c>config.json</c>, and of ends of generation it is often the more complete.</summary>
    public const string GenerationConfig = "generation_config.json";

    /// <summary>Of sentence-transformers: what becomes of tokens' vectors.</summary>
    public const string Pooling = "1_Pooling/config.json";

    /// <summary>Of sentence-transformers: what a text goes through, one after the other.</summary>
    public const string Modules = "modules.json";

    /// <summary>Those that say something of a model whose weights are elsewhere.</summary>
    public static IReadOnlyList<string> Names { get; } = [TokenizerJson, SentencePiece, TokenizerConfig, ChatTemplate, Config, GenerationConfig, Pooling, Modules];

    /// <summary>The file that holds a tokenizer; null: none does.</summary>
    public string? Tokenizer => Has(TokenizerJson) ? TokenizerJson : Has(SentencePiece) ? SentencePiece : null;

    /// <summary>Those of a folder.</summary>
    public static CompanionFiles InFolder(string folder) => new Folder(folder);

    /// <summary>Those of a model: beside safetensors, or in a file that was prepared from them; null: such a file has none.</summary>
    public static CompanionFiles? Of(ModelFile file) => file.Format == ModelFileFormat.Safetensors ? InFolder(FolderOf(file.Path))
        : file.Metadata is GgufMetadata metadata && Names.Any(name => metadata.Describe(PreparedTensors.FileKey(name)) is not null) ? new Kept(metadata)
        : null;

    /// <summary>The folder that a path names, or that a file is in.</summary>
    public static string FolderOf(string path) => Directory.Exists(path) ? path : Path.GetDirectoryName(path) ?? "";

    /// <summary>What messages call a file.</summary>
    public abstract string PathOf(string name);

    /// <summary>Whether there is a file of this name.</summary>
    public abstract bool Has(string name);

    /// <summary>The bytes of a file that is there.</summary>
    /// <exception cref="ModelFormatException">It has none, or the key does not hold a file.</exception>
    public abstract FileRegion Open(string name);

    private sealed class Folder(string folder) : CompanionFiles
    {
        public override string PathOf(string name) => Path.Combine(folder, name);

        public override bool Has(string name) => File.Exists(PathOf(name));

        public override FileRegion Open(string name) => FileRegion.Open(PathOf(name), intoMemory: false);
    }

    private sealed class Kept(GgufMetadata metadata) : CompanionFiles
    {
        public override string PathOf(string name) => name;

        public override bool Has(string name) => metadata.Describe(PreparedTensors.FileKey(name)) is not null;

        public override FileRegion Open(string name) => metadata.OpenFile(PreparedTensors.FileKey(name), name);
    }
}
