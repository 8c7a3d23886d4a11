namespace SparseInfer.Generators.Ilgpu;

/// <summary>Which kernels a decoder has beside those of its feed-forwards.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>Kernels that are loaded on devices with tensor cores only.</summary>
    private IEnumerable<DeviceKernel> TensorCoreKernels()
    {
        if (!_plan.HasMatrixKernels)
        {
            yield break;
        }

        var products = new MatrixKernels(_code, _plan.MatrixTile);
        yield return products.Split();
        foreach (int width in _plan.ProductWidths)
        {
            yield return products.Product(width);
        }

        yield return products.Down(_feedForwards.Single(feedForward => feedForward.Row.Format.IsTensorCoreOperand));
    }

    private IEnumerable<DeviceKernel> Kernels()
    {
        var norms = new NormKernels(_code, _plan, _packsSigns);
        var rows = new RowKernels(_code, _plan);
        var attention = new AttentionKernels(_code, _plan);
        var products = new ProductKernels(_code, _plan.ProductTile);
        foreach (WeightType type in _spec.Weights)
        {
            yield return norms.Embed(type);
            yield return rows.Heads(type);
            yield return rows.Rows(
                "Project", "The attention's output projection of one token.", type, _plan.Shape.QueryWidth, _attention.OutputBias);
            yield return rows.Rows("Head", "Logits of one token.", type, _spec.Hidden, biased: false);
            foreach (int width in _plan.ProductWidths)
            {
                yield return products.Product(type, width);
            }
        }

        foreach (WeightType type in CachePlan.Types)
        {
            yield return attention.Part(type);
        }

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
        if (_plan.HasAddBias)
        {
            yield return products.AddBias(_plan.HiddenQuads);
        }
    }
}
