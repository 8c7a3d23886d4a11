using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>The feed-forward, gated or plain: neurons as a policy has them, then down.</summary>
internal static class FeedForwardBlock
{
    /// <summary>In a decoder: after a norm, and added to the residual stream.</summary>
    public static IEnumerable<Operation> Of(FeedForwardSpec spec, NormSpec norm, Dimensions sizes) =>
    [
        NormBlock.Of(
            norm,
            Stage.FeedForward,
            Tensor.OfLayer(TensorRole.NormWeight, "FeedForwardNorm", "ffn_norm", "post_attention_layernorm", sizes.Hidden)),
        .. Of(spec, sizes),
        new AddResidual(Stage.FeedForward),
    ];

    /// <summary>A layer alone.</summary>
    public static IEnumerable<Operation> Of(FeedForwardSpec spec, Dimensions sizes)
    {
        Tensor gate = Tensor.OfLayer(TensorRole.Neurons, "Gate", "ffn_gate", "mlp.gate_proj", sizes.Intermediate, sizes.Hidden);
        Tensor up = Tensor.OfLayer(TensorRole.Neurons, "Up", "ffn_up", "mlp.up_proj", sizes.Intermediate, sizes.Hidden);
        Tensor down = Tensor.OfLayer(TensorRole.Down, "Down", "ffn_down", "mlp.down_proj", sizes.Hidden, sizes.Intermediate);
        Tensor[] matrices = spec.Gated ? [gate, up] : [up];
        var neurons = new Neurons(spec, matrices, spec.Biases ? [.. matrices.Select(matrix => matrix.Bias(TensorRole.NeuronBias))] : []);
        if (spec.Activation.NeedsAllGates())
        {
            yield return new Gates();
            yield return new MeasureGates();
            neurons = neurons with { Reads = neurons.Reads.Concat([Slot.Gates, Slot.Moments]).ToEquatableArray() };
        }

        yield return neurons;
        yield return new Down(down);
        yield return new SumSlices(spec.Biases ? down.Bias(TensorRole.DownBias) : null);
    }
}
