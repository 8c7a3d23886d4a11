using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Tiny llama files with some keys changed, and one class that declares them as they are.</summary>
public abstract class TinyFileTests : IDisposable
{
    /// <summary>The declaration of all files here.</summary>
    private static readonly Lazy<CompiledModel> Compiled = new(() => ModelCompiler.Compile(Declared, CancellationToken.None));

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    private static ModelDeclaration Declared => new()
    {
        Name = "Tiny",
        Hidden = TinyModel.Hidden,
        Layers = TinyModel.Layers,
        Vocabulary = TinyModel.Vocabulary,
        Context = TinyModel.Context,
        Heads = TinyModel.Heads,
        KeyValueHeads = Tiny.KeyValues,
        Intermediate = TinyModel.Intermediate,
        Weights = [WeightType.F32],
    };

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static TinyModel Tiny => TinyModels.Llama;

    private protected string Gguf(params (string Key, object? Value)[] changes) => Tiny.SaveGguf(At("tiny.gguf"), changes);

    /// <summary>A file whose keys have another architecture's name.</summary>
    private protected string Renamed(string architecture, params (string Key, object? Value)[] changes) =>
        (Tiny with { Architecture = architecture }).SaveGguf(At("renamed.gguf"), changes);

    private protected string Config(params (string Key, object? Value)[] changes)
    {
        File.Delete(At("tiny.gguf"));
        return Tiny.SaveConfig(_folder, changes);
    }

    private protected string At(string name) => Path.Combine(_folder, name);

    /// <summary>All but that there is no tokenizer, which these files do not have.</summary>
    private protected static IEnumerable<string> NotesOf(string path) =>
        Load(path).Notes.Where(note => !note.StartsWith("No tokenizer", StringComparison.Ordinal));

    private protected static LoadReport Load(string path, LoadOptions? options = null)
    {
        using LanguageModel model = Open(path, options);
        return model.LoadReport;
    }

    private protected static LanguageModel Open(string path, LoadOptions? options = null) =>
        Compiled.Value.Load(ModelFile.Open(path), Device.Cpu(1), options ?? new LoadOptions());

    private protected static string Refused(string path, LoadOptions? options = null) => Should.Throw<ModelFormatException>(() => Load(path, options)).Message;
}
