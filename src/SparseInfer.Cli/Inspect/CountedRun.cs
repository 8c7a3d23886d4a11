using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Cli.Inspect;

/// <summary>A token on the software CUDA device, counted: ILGPU's PTX is executed as a device would, access by access.</summary>
/// <param name="What">What was run.</param>
/// <param name="Kernels">In the order in which they were first launched.</param>
internal sealed record CountedRun(string What, IReadOnlyList<CountedKernel> Kernels)
{
    private const double Sparsity = 0.9;

    /// <summary>Weights of a layer's feed-forward that counting takes some seconds for.</summary>
    private const long MaxWeights = 16 << 20;

    /// <summary>The device that counts; null where this system has none.</summary>
    /// <param name="whyNot">Then why.</param>
    public static IlgpuDevice? TryOpen(out string? whyNot)
    {
        SoftwareCudaBackend.Register();
        try
        {
            whyNot = null;
            return (IlgpuDevice)Device.Open(SoftwareCudaBackend.DeviceName);
        }
        catch (ArgumentException exception)
        {
            whyNot = exception.Message;
            return null;
        }
    }

    /// <summary>Counts one token of one layer, with made-up weights.</summary>
    /// <param name="declaration">The model.</param>
    /// <param name="device">What <see cref="TryOpen"/> gave.</param>
    /// <param name="progress">Told what goes on.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static CountedRun Of(ModelDeclaration declaration, IlgpuDevice device, ProgressLine progress, CancellationToken cancellationToken)
    {
        ModelDeclaration layer = Layer(declaration);
        CompiledModel compiled = ModelCompiler.Compile(layer, cancellationToken, forGpu: true);
        progress.Show("making synthetic weights");
        using ModelFile file = SyntheticModel.Build(layer, new ActivityTarget(Sparsity, 1, 1), seed: 0, (_, _) => { }, cancellationToken);
        using LanguageModel model = compiled.Load(file, device, new LoadOptions());
        using Session session = model.CreateSession(new SessionOptions { Context = layer.Context });
        progress.Show("counting a token on the software device");
        SoftwareCudaContext software = SoftwareCudaContext.Of(device);
        software.CountAccesses = true;
        _ = session.Forward([1]).Length;
        return new CountedRun(
            $"one token of one layer, hidden {layer.Hidden}, {layer.Intermediate} neurons, vocabulary {layer.Vocabulary}, {Sparsity:0%} inactive, "
            + "synthetic weights",
            [.. software.Launches.Select(launch => launch.Kernel).Distinct().Select(kernel => new CountedKernel(software.Counted(kernel)))]);
    }

    /// <summary>One layer and a small vocabulary; less neurons where counting would take minutes, a multiple of 32 still.</summary>
    private static ModelDeclaration Layer(ModelDeclaration declaration)
    {
        ModelDeclaration layer = declaration with
        {
            Layers = 1,
            Vocabulary = Math.Min(declaration.Vocabulary, 256),
            Context = Math.Min(declaration.Context, 64),
            Weights = [declaration.Weights[0]],
            Alpha = 1f,
        };
        while (Weights(layer) > MaxWeights && layer.Intermediate > 1024)
        {
            layer = layer with { Intermediate = Math.Max(1024, layer.Intermediate / 2 / 32 * 32) };
        }

        return layer;
    }

    private static long Weights(ModelDeclaration layer) => (long)layer.Hidden * layer.Intermediate * (layer.Gated ? 3 : 2);
}
