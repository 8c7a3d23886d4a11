using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Serving;

namespace SparseInfer.Page.Tests;

/// <summary>The bundled model with predictors in two of its layers, which shows what it computes.</summary>
public sealed class StoriesModel : IDisposable
{
    private readonly CpuDevice _device = Device.Cpu(2);

    public StoriesModel()
    {
        ModelDeclaration declaration;
        using (ModelFile file = ModelFile.Open(Gguf))
        {
            declaration = FileDeclaration.Read(file, null, null, 1f) with { Observed = true, Policies = Predictors };
        }

        Model = ModelCompiler.Compile(declaration, CancellationToken.None).Load(ModelFile.Open(Gguf), _device, new());
        Service = new ModelService(Model);
    }

    /// <summary>As the sample declares them.</summary>
    public static string[] Predictors { get; } = ["""ExactSparsity(Layers = "0..1, 3..4")""", """SignBitPredictor(Alpha = 1.3f, Layers = "2")""", """SignBitPredictor(Alpha = 0.9f, Layers = "5")"""];

    public static string Gguf { get; } = Path.Combine(AppContext.BaseDirectory, "stories-relu.gguf");

    public LanguageModel Model { get; }

    /// <summary>Answers for it.</summary>
    public ModelService Service { get; }

    public void Dispose()
    {
        Service.Dispose();
        Model.Dispose();
        _device.Dispose();
    }
}
