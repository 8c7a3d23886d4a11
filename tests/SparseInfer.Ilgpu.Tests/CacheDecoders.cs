using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Decoders whose heads fill the 16-byte loads of a key-value cache in each of the ways there are.</summary>
internal static class CacheDecoders
{
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
