using System.Reflection;
using ILGPU;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Inspect;

/// <summary>What the stand-in counted of a kernel.</summary>
/// <param name="Name">The kernel method's name.</param>
/// <param name="Launches">Times that it was launched.</param>
/// <param name="Groups">Groups of all launches.</param>
/// <param name="BytesAsked">Bytes of global memory that the lanes loaded and stored, each lane's counted.</param>
/// <param name="Sectors">Sectors of 32 bytes that these touched, each once an access of a warp.</param>
/// <param name="BankConflicts">Passes of shared memory beyond the least.</param>
/// <param name="IdleShare">Of the lanes of all warps that load, the share that takes no part.</param>
internal sealed record CountedKernel(
    string Name, int Launches, long Groups, long BytesAsked, long Sectors, long BankConflicts, double IdleShare)
{
    /// <summary>Fewest sectors that hold so many bytes; less are touched where lanes ask for the same.</summary>
    public long FewestSectors => (BytesAsked + 31) / 32;
}

/// <summary>A token, counted.</summary>
/// <param name="What">What was run.</param>
/// <param name="Kernels">In the order in which they were first launched.</param>
internal sealed record CountedRun(string What, IReadOnlyList<CountedKernel> Kernels);

/// <summary>
/// Runs one token of one layer of a shape on the stand-in, if this was built with it, and reads its counters. They are no part of ILGPU's
/// API: found by name, so that the same code is built with the package.
/// </summary>
internal static class StandInRun
{
    private const string Extensions = "SparseInfer.Ilgpu.StandIn.StandInExtensions";

    /// <summary>Multiply-adds of a layer that counting takes some ten seconds for.</summary>
    private const long MostWeights = 16 << 20;

    private static readonly MethodInfo? Control = typeof(Context).Assembly.GetType(Extensions)?.GetMethod("StandIn");

    public static bool IsPossible => Control is not null;

    /// <summary>Counts one token of one layer, with made-up weights.</summary>
    /// <param name="declaration">The model.</param>
    /// <param name="progress">Told what goes on.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static CountedRun Count(ModelDeclaration declaration, ProgressLine progress, CancellationToken cancellationToken)
    {
        const double Sparsity = 0.9;
        ModelDeclaration layer = Layer(declaration);
        CompiledModel compiled = ModelCompiler.Compile(layer, cancellationToken, forGpu: true);
        progress.Show("making synthetic weights");
        IlgpuBackend.Register();
        using ModelFile file = SyntheticModel.Build(layer, new ActivityTarget(Sparsity, 1, 1), seed: 0, (_, _) => { }, cancellationToken);
        using Device device = Device.Open("standin");
        using LanguageModel model = compiled.Load(file, device, new LoadOptions());
        using Session session = model.CreateSession(new SessionOptions { Context = layer.Context });
        progress.Show("counting a token on the stand-in");
        dynamic control = Control!.Invoke(null, [((IlgpuDevice)device).Accelerator])!;
        control.CountAccesses = true;
        _ = session.Forward([1]).Length;
        var kernels = new List<CountedKernel>();
        IEnumerable<dynamic> launches = control.Launches;
        foreach (IGrouping<string, dynamic> group in launches.GroupBy(launch => (string)launch.Kernel))
        {
            cancellationToken.ThrowIfCancellationRequested();
            kernels.Add(Add(group.Key, control.Counted(group.Key)));
        }

        return new CountedRun(
            FormattableString.Invariant(
                $"one token of one layer, hidden {layer.Hidden}, {layer.Intermediate} neurons, vocabulary {layer.Vocabulary}, ")
            + FormattableString.Invariant($"{Sparsity:0%} inactive, synthetic weights"),
            kernels);
    }

    private static CountedKernel Add(string name, dynamic counters)
    {
        dynamic global = counters.Global;
        long loads = global.Loads;
        return new CountedKernel(
            name,
            (int)counters.Launches,
            (long)counters.Groups,
            (long)global.LoadedBytes + (long)global.StoredBytes,
            (long)global.LoadedSectors + (long)global.StoredSectors,
            (long)counters.BankConflicts,
            loads == 0 ? 0 : (long)global.IdleLoadLanes / (32.0 * loads));
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
        while (Weights(layer) > MostWeights && layer.Intermediate > 1024)
        {
            layer = layer with { Intermediate = Math.Max(1024, layer.Intermediate / 2 / 32 * 32) };
        }

        return layer;
    }

    private static long Weights(ModelDeclaration layer) => (long)layer.Hidden * layer.Intermediate * (layer.Gated ? 3 : 2);
}
