using SparseInfer.Kernels.Cpu;
using SparseInfer.Runtime;

namespace SparseInfer.Benchmarks;

/// <summary>What hand-written layers share with generated ones: the entry, the lists, and the weights as they are prepared.</summary>
internal abstract class HandWrittenLayer<T>(FeedForwardShape shape, WeightType type)
    : CpuFeedForwardKernel(shape, Padded(shape.Hidden), Signs.WordsPerRow(shape.Hidden), type)
    where T : IWeightFormat
{
    protected WeightType Type { get; } = type;

    protected LayerWeights Layer { get; private set; } = new();

    protected sealed override void Bind(FeedForwardBinder bind)
    {
        WeightMatrix gate = bind.Gate;
        Layer = new LayerWeights
        {
            Gate = gate,
            Up = bind.Up,
            Down = bind.Down,
            GateSigns = SignPlane.Pack<T>(in gate, bind.Memory),
        };
    }

    /// <summary>Signs that may disagree, at an alpha of 1.</summary>
    protected int SignThreshold => Shape.Hidden / 2;

    private static int Padded(int columns) => (columns + 31) / 32 * 32;
}

/// <summary>One layer's weights, and their signs.</summary>
internal sealed class LayerWeights
{
    public WeightMatrix Gate;
    public WeightMatrix Up;
    public DownMatrix Down;
    public SignPlane GateSigns;
}
