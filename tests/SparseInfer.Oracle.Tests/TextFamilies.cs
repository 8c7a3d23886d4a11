using SparseInfer.Cli;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Oracle.Tests;

/// <summary>The files of all <see cref="TextFamily"/>, the classes that the tool prints for them, and these classes compiled.</summary>
public sealed class TextFamilies : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
    private readonly Dictionary<string, (string Path, CompiledModel Compiled)> _models = [];

    public async ValueTask InitializeAsync()
    {
        var files = new List<(TextFamily Family, string Path, ModelDeclaration Declaration)>();
        foreach (TextFamily family in TextFamily.All)
        {
            string path = family.Save(family.Tiny, family.Vocabulary, Directory.CreateDirectory(Path.Combine(_folder, family.Name.Replace(' ', '-'))).FullName);
            files.Add((family, path, await PrintedAsync(family, path)));
        }

        IReadOnlyList<CompiledModel> compiled = ModelCompiler.Compile([.. files.Select(file => file.Declaration)], TestContext.Current.CancellationToken);
        for (int i = 0; i < files.Count; i++)
        {
            _models.Add(files[i].Family.Name, (files[i].Path, compiled[i]));
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    internal string PathOf(TextFamily family) => _models[family.Name].Path;

    internal LanguageModel Load(TextFamily family)
    {
        (string path, CompiledModel compiled) = _models[family.Name];
        return compiled.Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());
    }

    /// <summary>What the user is told, and the same as the compiler takes it.</summary>
    private static async Task<ModelDeclaration> PrintedAsync(TextFamily family, string path)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(["declare", path, .. family.Arguments], output, error)).ShouldBe(0, $"{family}: {error}");
        using ModelFile file = ModelFile.Open(path);
        ModelDeclaration declaration = FileDeclaration.Read(file, family.Arguments.Length > 0 ? family.Tiny.Activation : null, null, 1f);
        output.ToString().ShouldBe((declaration with { Policies = [declaration.HasZeros ? "ExactSparsity" : "Dense"] }).ToText());
        return declaration;
    }
}
