using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>How a whole decoder is computed on a CPU.</summary>
/// <param name="PaddedHidden">The residual stream's width, padded to whole vectors.</param>
/// <param name="QueryWidth">Heads x head dimension.</param>
/// <param name="KeyValueWidth">Key-value heads x head dimension: a row of the key cache, and of the value cache.</param>
/// <param name="PromptBatch">Prompt tokens that go through a layer together.</param>
internal sealed record DecoderPlan(
    ModelSpec Spec,
    int PaddedHidden,
    int QueryWidth,
    int PaddedQueryWidth,
    int KeyValueWidth,
    int PromptBatch)
{
    private ModelProgram Program => ModelProgram.Of(Spec);

    /// <summary>Bytes of weights that one token reads when every neuron is computed, in the first declared weight type.</summary>
    public long DenseBytes => AttentionBytes + FeedForwardBytes + HeadBytes;

    public long HeadBytes => Program.Head.Matrix.MatrixBytes(RowBytes);

    /// <summary>Of all layers.</summary>
    public long AttentionBytes => Spec.Layers * Program.Layer.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output).Sum(tensor => tensor.MatrixBytes(RowBytes));

    /// <summary>Of all layers.</summary>
    public long FeedForwardBytes => Spec.Layers * Program.Layer.FeedForwardTensors().Sum(tensor => tensor.MatrixBytes(RowBytes));

    private long RowBytes(int columns) => Format.Of(Spec.Weights[0]).Bytes(WeightLayout.Pad(columns));
}
