using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>Attention: norm, queries, keys and values, normalised and rotated; each query against what is cached; the output, added to the residual stream.</summary>
internal static class AttentionBlock
{
    public static IEnumerable<Operation> Of(AttentionSpec spec, NormSpec norm, Dimensions sizes)
    {
        yield return NormBlock.Of(
            norm, Stage.Heads, Tensor.OfLayer(TensorRole.NormWeight, "AttentionNorm", "attn_norm", "input_layernorm", sizes.Hidden));
        foreach (var (field, gguf, huggingFace, rows, to) in new[]
        {
            ("Query", "attn_q", "self_attn.q_proj", sizes.QueryWidth, Slot.Queries),
            ("Key", "attn_k", "self_attn.k_proj", sizes.KeyValueWidth, Slot.Keys),
            ("Value", "attn_v", "self_attn.v_proj", sizes.KeyValueWidth, Slot.Values),
        })
        {
            bool isCompared = to != Slot.Values;
            bool isRotary = isCompared && spec.IsRotated;
            Tensor matrix = Tensor.OfLayer(TensorRole.Attention, field, gguf, huggingFace, rows, sizes.Hidden, isRotary);
            yield return new Project(Stage.Heads, WorkUnit.Head, matrix, Slot.Normed, to);
            if (spec.QueryKeyValueBiases)
            {
                yield return new AddBias(Stage.Heads, WorkUnit.Head, matrix.Bias(TensorRole.Bias), to);
            }

            if (spec.QueryKeyNorms && isCompared)
            {
                // The weights go with a head's elements, which safetensors may have in another order.
                yield return new NormHeads(
                    to, Tensor.OfLayer(TensorRole.NormWeight, $"{field}Norm", $"{gguf}_norm", huggingFace.Replace("_proj", "_norm"), sizes.HeadDimension, isRotary: isRotary));
            }

            if (isRotary)
            {
                yield return new Rotate(to, spec.Unrotated);
            }
        }

        yield return new Attend(spec.Windows);
        Tensor output = Tensor.OfLayer(TensorRole.Attention, "Output", "attn_output", "self_attn.o_proj", sizes.Hidden, sizes.QueryWidth);
        yield return new Project(Stage.Output, WorkUnit.Column, output, Slot.Attended, Slot.Projected);
        if (spec.OutputBias)
        {
            yield return new AddBias(Stage.Output, WorkUnit.Column, output.Bias(TensorRole.Bias), Slot.Projected);
        }

        yield return new AddResidual(Stage.Output);
    }
}
