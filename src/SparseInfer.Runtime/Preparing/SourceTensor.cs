using SparseInfer.Files;

namespace SparseInfer.Preparing;

/// <summary>A tensor that goes into a prepared file.</summary>
/// <param name="Tensor">Where its bytes are, and what it is called there.</param>
/// <param name="Row">Of a row, or an element of a vector, the one of the source that it is; null: they are in their order.</param>
internal sealed record SourceTensor(TensorInfo Tensor, Func<int, int>? Row = null)
{
    /// <summary>Which row of the source one is.</summary>
    public int RowOf(int row) => Row?.Invoke(row) ?? row;
}
