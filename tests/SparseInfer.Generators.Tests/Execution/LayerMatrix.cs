using System.Collections.Concurrent;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// Every activation x weight type x gate x biases x policy that can be declared, each on one of the odd shapes in turn, so that
/// every weight type meets every shape. All layers of a weight type are one compilation. Types that share their kernels with one another have a few
/// layers each, together in one compilation.
/// </summary>
internal static class LayerMatrix
{
    /// <summary>Narrower and wider than a vector, a sign word, and the words that stay in registers.</summary>
    private static readonly (int Hidden, int Intermediate)[] OddShapes =
        [(1, 1), (31, 7), (33, 65), (100, 37), (257, 129), (768, 100), (64, 1100), (600, 33)];

    /// <summary>The same where blocks of 32 weights have to fit.</summary>
    private static readonly (int Hidden, int Intermediate)[] BlockShapes = [(32, 64), (96, 160), (544, 32), (64, 1056), (32, 32)];

    /// <summary>Where blocks of 256 have to.</summary>
    private static readonly (int Hidden, int Intermediate)[] SuperBlockShapes = [(256, 512), (512, 256)];

    private static readonly ConcurrentDictionary<WeightType, Lazy<GeneratedAssembly>> Assemblies = new();

    public static IReadOnlyList<LayerCase> All { get; } = [.. Cases()];

    public static LayerCase Find(string name) => All.Single(layer => layer.Name == name);

    public static FeedForwardKernel New(LayerCase layer) => Assemblies
        .GetOrAdd(Group(layer.Weights), group => new(() => GeneratedProject.Build(LayerCase.File(All.Where(other => Group(other.Weights) == group)))))
        .Value
        .Layer("Layers", layer.Name);

    /// <summary>The types that a type is compiled with: the first of them.</summary>
    private static WeightType Group(WeightType type) => StoredFormat.For(type).IsCovered ? WeightType.Q5_0 : type;

    private static IEnumerable<LayerCase> Cases()
    {
        foreach (WeightType type in Enum.GetValues<WeightType>())
        {
            StoredFormat format = StoredFormat.For(type);
            (int Hidden, int Intermediate)[] shapes = format.BlockColumns > 32 ? SuperBlockShapes : format.IsBlock ? BlockShapes : OddShapes;
            if (format.IsCovered)
            {
                foreach (LayerPolicy policy in Policies(Activation.Relu))
                {
                    yield return new LayerCase(shapes[0].Hidden, shapes[0].Intermediate, Activation.Relu, type, Gated: true, Biases: true, policy);
                }

                yield return new LayerCase(
                    shapes[1].Hidden, shapes[1].Intermediate, Activation.SquaredRelu, type, Gated: false, Biases: false, LayerPolicy.Exact);
                yield return new LayerCase(
                    shapes[0].Hidden, shapes[0].Intermediate, Activation.Silu, type, Gated: true, Biases: false, LayerPolicy.ActivationThreshold);
                continue;
            }

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

    private static LayerPolicy[] Policies(Activation activation) => activation switch
    {
        Activation.Silu or Activation.Gelu => [LayerPolicy.None, LayerPolicy.Dense, LayerPolicy.ActivationThreshold],
        Activation.GaussianTopK => [LayerPolicy.None, LayerPolicy.Dense, LayerPolicy.Exact],
        _ => [LayerPolicy.None, LayerPolicy.Dense, LayerPolicy.Exact, LayerPolicy.SignBit],
    };
}
