using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a model takes of a device's memory: weights, once, and each session's key-value cache.</summary>
/// <param name="WeightBytes">
/// Matrices as they lie on the device, learned positions among them in F32, and what policies derive from them. Norms, biases and activations are small beside them.
/// </param>
/// <param name="PositionBytes">Keys and values of one position in all layers, in halves: what sessions have that ask for nothing else.</param>
/// <param name="RememberedBytes">What policies remember of a session's prompts.</param>
internal sealed record DeviceFootprint(long WeightBytes, long PositionBytes, long RememberedBytes)
{
    /// <summary>Each matrix in the weight type of its role that takes least: a file may store any of them.</summary>
    public static DeviceFootprint Smallest(IlgpuDecoderPlan plan) =>
        Of(plan, types => types.OrderBy(type => RowPlan.Of(type, plan.Spec.Hidden).Bytes).First());

    /// <summary>Each matrix in the first weight type of its role.</summary>
    public static DeviceFootprint First(IlgpuDecoderPlan plan) => Of(plan, types => types[0]);

    private static DeviceFootprint Of(IlgpuDecoderPlan plan, Func<EquatableArray<WeightType>, WeightType> choose)
    {
        ModelSpec spec = plan.Spec;
        var program = ModelProgram.Of(spec);
        long BytesOf(Tensor tensor) => tensor.MatrixBytes(columns => RowPlan.Of(choose(tensor.Types(spec)), columns).Bytes);
        IlgpuFeedForwardPlan feedForward = plan.FeedForwards.First(feedForward => feedForward.Weights == choose(spec.FeedForwardTypes));
        long layers = program.Layer.Sum(operation =>
            (operation.Policy?.Layers.Count ?? spec.Layers) * operation.Tensors.Sum(tensor => (tensor.Experts?.Size ?? 1) * BytesOf(tensor)));
        long derived = (spec.Experts?.Count ?? 1) * PolicyData.Derived(spec, feedForward).Sum(own => own.Layers.Count * own.Field.Bytes(feedForward));
        long tables = BytesOf(program.Embed.Table) + (program.IsTied ? 0 : BytesOf(program.Head.Matrix))
            + (program.Words?.Tensors.Sum(BytesOf) ?? 0);
        return new(layers + derived + tables + PositionTableBytes(program), plan.CachedBytes, MemoryKernels.KeptBytes(program));
    }

    /// <summary>What was learned for positions: in F32, whatever type the file has it in.</summary>
    public static long PositionTableBytes(ModelProgram program) =>
        program.AfterEmbed.SelectMany(operation => operation.Tensors).Sum(tensor => tensor.MatrixBytes(columns => 4L * WeightLayout.Pad(columns)));

    /// <summary>Weights of one layer's attention.</summary>
    public static long AttentionBytes(IlgpuDecoderPlan plan, WeightType type) => ModelProgram.Of(plan.Spec)
        .Layer.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output).Sum(tensor => tensor.MatrixBytes(columns => RowPlan.Of(type, columns).Bytes));

    /// <summary>Of a session that has come to so many positions.</summary>
    public long CacheBytes(int positions) => PositionBytes * positions;

    /// <summary>With one session of so many positions.</summary>
    public long Bytes(int positions) => WeightBytes + CacheBytes(positions) + RememberedBytes;

    /// <summary>Positions that fit beside the weights; 0 or less: none.</summary>
    public long LongestContext(long memory) => (memory - WeightBytes - RememberedBytes) / PositionBytes;
}
