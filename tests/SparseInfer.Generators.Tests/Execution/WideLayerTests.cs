using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Layers of more neurons than a block: lists go on from one block to the next.</summary>
public sealed class WideLayerTests
{
    private static readonly LayerCase[] Layers =
    [
        new(1, 8229, Activation.Relu, WeightType.F32, Gated: true, Biases: true, LayerPolicy.SignBit),
        new(33, 16390, Activation.SquaredRelu, WeightType.F16, Gated: false, Biases: false, LayerPolicy.SignBit),
        new(32, 8224, Activation.DRelu, WeightType.Q8_0, Gated: true, Biases: false, LayerPolicy.SignBit),
        new(32, 8224, Activation.Silu, WeightType.Q4_0, Gated: true, Biases: false, LayerPolicy.ActivationThreshold),
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build(LayerCase.File(Layers)));

    private static readonly CpuDevice One = Device.Cpu(1);

    public static TheoryData<string> Names { get; } = [.. Layers.Select(layer => layer.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_computes_its_definition_in_every_block(string name)
    {
        LayerCase layer = Layers.Single(layer => layer.Name == name);
        var data = new LayerData(layer);
        var reference = new LayerReference(layer, data);
        using FeedForwardKernel kernel = Assembly.Value.Layer("Layers", name);
        kernel.Load(data.Weights, One);
        foreach ((string input, float[] x) in data.Inputs)
        {
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                float[] y = new float[layer.Hidden];
                kernel.Mode = (UserMode)mode;
                kernel.Forward(x, y);
                LayerMatrixTests.ShouldMatch(y, reference.Forward(x, mode), $"{name}, {mode}, {input}");
            }
        }
    }
}
