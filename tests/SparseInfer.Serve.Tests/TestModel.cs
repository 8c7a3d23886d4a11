using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Run;

[assembly: AssemblyFixture(typeof(SparseInfer.Serve.Tests.TestModel))]

namespace SparseInfer.Serve.Tests;

/// <summary>The bundled model, compiled and loaded once for all tests.</summary>
public sealed class TestModel : IDisposable
{
    internal static readonly string Gguf = Path.Combine(AppContext.BaseDirectory, "stories-relu.gguf");

    private readonly LoadedModel _loaded = Load();

    /// <summary>The model.</summary>
    public LanguageModel Model => _loaded.Model;

    /// <summary>What it is called where no alias is given.</summary>
    public static string Name => "stories-relu";

    /// <inheritdoc/>
    public void Dispose() => _loaded.Dispose();

    private static LoadedModel Load()
    {
        var request = new ModelRequest
        {
            File = new(Gguf, null, null, Alpha: 1f, Context: null, new LoadOptions()),
            Device = "cpu",
            Threads = 2,
        };
        using var progress = ProgressLine.On(TextWriter.Null);
        return LoadedModel.Load(request, new CompiledCache(null), progress, CancellationToken.None);
    }
}
