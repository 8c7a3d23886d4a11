using System.Collections.Concurrent;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// Every activation x weight type x gate x biases x policy that can be declared, each on one of the odd shapes in turn, so that
/// every weight type meets every shape. All layers of a weight type are one compilation.
/// </summary>
internal static class LayerMatrix
{
    /// <summary>Narrower and wider than a vector, a sign word, the words that stay in registers, and a block of 512 neurons.</summary>
    private static readonly (int Hidden, int Intermediate)[] OddShapes =
        [(1, 1), (31, 7), (33, 65), (100, 37), (257, 129), (768, 100), (64, 1100), (600, 33)];

    /// <summary>The same where blocks of 32 weights have to fit.</summary>
    private static readonly (int Hidden, int Intermediate)[] BlockShapes = [(32, 64), (96, 160), (544, 32), (64, 1056), (32, 32)];

    private static readonly ConcurrentDictionary<WeightType, Lazy<GeneratedAssembly>> Assemblies = new();

    public static IReadOnlyList<LayerCase> All { get; } = [.. Cases()];

    public static LayerCase Find(string name) => All.Single(layer => layer.Name == name);

    public static FeedForwardKernel New(LayerCase layer) => Assemblies
        .GetOrAdd(layer.Weights, type => new(() => GeneratedProject.Build(LayerCase.File(All.Where(other => other.Weights == type)))))
        .Value
        .Layer("Layers", layer.Name);

    private static IEnumerable<LayerCase> Cases()
    {
        foreach (WeightType type in Enum.GetValues<WeightType>())
        {
            (int, int)[] shapes = StoredFormat.For(type).IsBlock ? BlockShapes : OddShapes;
            int next = (int)type;
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                foreach (bool gated in activation == Activation.DRelu ? [true] : new[] { true, false })
                {
                    foreach (bool biases in new[] { false, true })
                    {
                        (int hidden, int intermediate) = shapes[next++ % shapes.Length];
                        foreach (LayerPolicy policy in Policies(activation))
                        {
                            yield return new LayerCase(hidden, intermediate, activation, type, gated, biases, policy);
                        }
                    }
                }
            }
        }
    }

    private static LayerPolicy[] Policies(Activation activation) => activation is Activation.Silu or Activation.Gelu
        ? [LayerPolicy.None, LayerPolicy.Dense, LayerPolicy.ActivationThreshold]
        : [LayerPolicy.None, LayerPolicy.Dense, LayerPolicy.Exact, LayerPolicy.SignBit];
}
