using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>
/// A feed-forward of experts: a router chooses some for each token, and a policy chooses among their neurons. Names in Hugging Face's form are
/// Mixtral's.
/// </summary>
internal static class ExpertsBlock
{
    /// <summary>What a layer begins with: the router, if it reads what the layer does.</summary>
    public static IEnumerable<Operation> BeforeAttention(ExpertsSpec spec, Dimensions sizes) =>
        spec.Router == RouterInput.Layer ? [Router(spec, sizes)] : [];

    /// <summary>After a norm, and added to the residual stream.</summary>
    public static IEnumerable<Operation> Of(ExpertsSpec spec, FeedForwardSpec feedForward, NormSpec norm, Dimensions sizes)
    {
        Tensor OfExpert(TensorRole role, string field, string gguf, string huggingFace, Dimension rows, Dimension columns) =>
            Tensor.OfLayer(role, field, gguf, $"block_sparse_moe.experts.{{expert}}.{huggingFace}", rows, columns) with { Experts = sizes.Experts };

        Tensor gate = OfExpert(TensorRole.Neurons, "Gate", "ffn_gate_exps", "w1", sizes.Intermediate, sizes.Hidden);
        Tensor up = OfExpert(TensorRole.Neurons, "Up", "ffn_up_exps", "w3", sizes.Intermediate, sizes.Hidden);
        Tensor down = OfExpert(TensorRole.Down, "Down", "ffn_down_exps", "w2", sizes.Hidden, sizes.Intermediate);
        yield return NormBlock.Of(
            norm,
            Stage.FeedForward,
            Tensor.OfLayer(TensorRole.NormWeight, "FeedForwardNorm", "ffn_norm", "post_attention_layernorm", sizes.Hidden));
        if (spec.Router == RouterInput.FeedForward)
        {
            yield return Router(spec, sizes);
        }

        yield return new Neurons(feedForward, feedForward.Gated ? [gate, up] : [up], []) { Reads = new[] { Slot.Normed, Slot.Routed }.ToEquatableArray() };
        yield return new Down(down);
        yield return new SumExperts();
        yield return new AddResidual(Stage.FeedForward);
    }

    private static Route Router(ExpertsSpec spec, Dimensions sizes)
    {
        Tensor matrix = Tensor.OfLayer(TensorRole.Router, "Router", "ffn_gate_inp", "block_sparse_moe.gate", sizes.Experts!, sizes.Hidden);
        return spec.Router == RouterInput.Layer
            ? new(Stage.Routing, spec, matrix, Slot.Residual)
            : new(Stage.FeedForward, spec, matrix, Slot.Normed);
    }
}
