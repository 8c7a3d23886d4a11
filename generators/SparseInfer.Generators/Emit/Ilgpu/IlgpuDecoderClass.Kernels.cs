using SparseInfer.Generators.Plan.Ilgpu;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>Which kernels a decoder has beside those of its feed-forwards.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private IEnumerable<DeviceKernel> Kernels()
    {
        var norms = new NormKernels(_code, _plan, _packsSigns);
        var rows = new RowKernels(_code, _plan);
        var attention = new AttentionKernels(_code, _plan);
        var products = new ProductKernels(_code, _plan);
        int[] widths = [.. new[] { _plan.Shape.PaddedHidden, _plan.Shape.PaddedQueryWidth }.Distinct()];
        foreach (WeightType type in _spec.Weights)
        {
            yield return norms.Embed(type);
            yield return rows.Heads(type);
            yield return rows.Rows(
                "Project", "The attention's output projection of one token.", type, _plan.Shape.QueryWidth, _attention.OutputBias);
            yield return rows.Rows("Head", "Logits of one token.", type, _spec.Hidden, biased: false);
            foreach (int width in widths)
            {
                yield return products.Product(type, width);
            }
        }

        yield return attention.Part();
        yield return attention.Join();
        yield return norms.Norm();
        yield return norms.Add();
        foreach (IlgpuFeedForwardPlan feedForward in _feedForwards)
        {
            yield return JoinKernel.Of(_code, feedForward, $"Join{feedForward.Weights}", "x", adds: true);
            yield return products.Down(feedForward);
        }

        yield return rows.Rotate();
        yield return ArgMaxKernel.Of(_code);
        if (_attention.OutputBias)
        {
            yield return products.AddBias();
        }
    }
}
