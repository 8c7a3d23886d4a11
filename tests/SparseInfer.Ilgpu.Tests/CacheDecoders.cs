using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Decoders whose heads fill the loads of a key-value cache in each of the ways there are, and one whose cache has several pages.</summary>
internal static class CacheDecoders
{
    /// <summary>Query heads that share keys, and three pages.</summary>
    public static readonly DecoderCase Paged = new("Paged")
    {
        Hidden = 64,
        Layers = 2,
        Vocabulary = 31,
        Context = 600,
        Heads = 4,
        KeyValueHeads = 2,
        Intermediate = 48,
        Alphas = [1m, null],
        Weights = [WeightType.F32],
    };

    /// <summary>The heads of a model of seven billion parameters.</summary>
    public static readonly DecoderCase Usual = Heads("UsualHeads", 128);

    public static IReadOnlyList<DecoderCase> Shapes { get; } =
    [
        Heads("OneLoad", 8), // a position for a lane
        Heads("ThreeLoads", 24),
        Heads("OddElements", 33), // padded to five loads
        Usual,
        Heads("TwoSteps", 264), // more loads than a warp has lanes
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedAssembly.Load(
        GeneratedProject.Complete(GeneratedProject.Compilation([Paged.Source, .. Shapes.Select(model => model.Source)]).WithIlgpu()),
        unloads: false));

    /// <summary>Runs something with a model on random weights, loaded for a device.</summary>
    public static T With<T>(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run) =>
        GpuDecoders.With(Assembly.Value, declared, weights, device, run);

    private static DecoderCase Heads(string name, int dimension) => new(name)
    {
        Hidden = 32,
        Layers = 2,
        Vocabulary = 29,
        Context = 96,
        Heads = 2,
        KeyValueHeads = 1,
        DeclaredHeadDimension = dimension,
        DeclaredRopeDimensions = 8,
        Intermediate = 40,
        Weights = [WeightType.F32],
    };
}
