using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Program;

/// <summary>A decoder's sizes and bytes: what every backend's plan begins with.</summary>
internal sealed record DecoderShape(ModelSpec Spec)
{
    private ModelProgram Program => ModelProgram.Of(Spec);

    /// <summary>The residual stream's width, padded to whole vectors.</summary>
    public int PaddedHidden => WeightLayout.Pad(Spec.Hidden);

    /// <summary>Heads x head dimension.</summary>
    public int QueryWidth => Spec.Attention.Heads * Spec.Attention.HeadDimension;

    public int PaddedQueryWidth => WeightLayout.Pad(QueryWidth);

    /// <summary>Key-value heads x head dimension: a row of the key cache, and of the value cache.</summary>
    public int KeyValueWidth => Spec.Attention.KeyValueHeads * Spec.Attention.HeadDimension;

    /// <summary>Bytes of weights that one token reads when every neuron is computed, in the first weight type of each role.</summary>
    public long DenseBytes => AttentionBytes + FeedForwardBytes + HeadBytes;

    public long HeadBytes => BytesOf(Program.Head.Matrix);

    /// <summary>Of all layers.</summary>
    public long AttentionBytes => Spec.Layers * Program.Layer.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output).Sum(BytesOf);

    /// <summary>Of all layers.</summary>
    public long FeedForwardBytes => Spec.Layers * (RouterBytes + ((Spec.Experts?.Active ?? 1) * ExpertBytes));

    /// <summary>Of one layer's feed-forward, or of one of its experts.</summary>
    private long ExpertBytes => Program.Layer.FeedForwardTensors().Sum(BytesOf);

    /// <summary>Of one layer.</summary>
    private long RouterBytes => Program.Layer.OfType<Route>()
        .Sum(route => BytesOf(route.Matrix));

    private long BytesOf(Tensor tensor) => tensor.MatrixBytes(columns => Format.Of(tensor.Types(Spec)[0]).Bytes(WeightLayout.Pad(columns)));
}
