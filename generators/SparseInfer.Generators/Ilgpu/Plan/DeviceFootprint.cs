using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a model takes of a device's memory: weights, once, and each session's key-value cache.</summary>
/// <param name="WeightBytes">
/// Matrices as they lie on the device, learned positions among them in F32, and what policies derive from them. Norms, biases and activations are small beside them.
/// </param>
/// <param name="PositionBytes">Keys and values of one position in all layers, in halves: what sessions have that ask for nothing else.</param>
internal sealed record DeviceFootprint(long WeightBytes, long PositionBytes)
{
    /// <summary>In the declared weight type that takes least: a file may store any of them.</summary>
    public static DeviceFootprint Smallest(IlgpuDecoderPlan plan) =>
        plan.Spec.Weights.Select(type => Of(plan, type)).OrderBy(footprint => footprint.WeightBytes).First();

    public static DeviceFootprint Of(IlgpuDecoderPlan plan, WeightType type)
    {
        ModelSpec spec = plan.Spec;
        var program = ModelProgram.Of(spec);
        long RowBytes(int columns) => RowPlan.Of(type, columns).Bytes;
        IlgpuFeedForwardPlan feedForward = plan.FeedForwards.First(feedForward => feedForward.Weights == type);
        long layers = program.Layer.Sum(operation =>
            (operation.Policy?.Layers.Count ?? spec.Layers) * operation.Tensors.Sum(tensor => (tensor.Experts?.Size ?? 1) * tensor.MatrixBytes(RowBytes)));
        long derived = PolicyData.Derived(spec, feedForward).Sum(own => own.Layers.Count * own.Field.Bytes(feedForward));
        long tables = program.Embed.Table.MatrixBytes(RowBytes) + (program.IsTied ? 0 : program.Head.Matrix.MatrixBytes(RowBytes));
        return new(layers + derived + tables + PositionTableBytes(program), plan.CachedBytes);
    }

    /// <summary>What was learned for positions: in F32, whatever type the file has it in.</summary>
    public static long PositionTableBytes(ModelProgram program) =>
        program.AfterEmbed.SelectMany(operation => operation.Tensors).Sum(tensor => tensor.MatrixBytes(columns => 4L * WeightLayout.Pad(columns)));

    /// <summary>Weights of one layer's attention.</summary>
    public static long AttentionBytes(IlgpuDecoderPlan plan, WeightType type) => ModelProgram.Of(plan.Spec)
        .Layer.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output).Sum(tensor => tensor.MatrixBytes(columns => RowPlan.Of(type, columns).Bytes));

    /// <summary>Of a session that has come to so many positions.</summary>
    public long CacheBytes(int positions) => PositionBytes * positions;

    public long Bytes(int positions) => WeightBytes + CacheBytes(positions);

    /// <summary>Positions that fit beside the weights; 0 or less: none.</summary>
    public long LongestContext(long memory) => (memory - WeightBytes) / PositionBytes;
}
