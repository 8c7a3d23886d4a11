using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>What a file has for a tensor that a program wants.</summary>
/// <param name="Tensor">Where it is.</param>
/// <param name="Stored">The weight type it is stored in.</param>
/// <param name="Target">The one that the program gets it in.</param>
/// <param name="Signs">Its signs, where a prepared file has them.</param>
/// <param name="IsPrepared">Whether it is a down matrix that is neuron-major already.</param>
/// <param name="Part">Which rows of the tensor it is; null: all.</param>
/// <param name="IsInRows">Whether its neurons are rows like any matrix's: it is used in a type without blocks.</param>
internal sealed record FoundTensor(
    TensorInfo Tensor, WeightType Stored, WeightType Target, TensorInfo? Signs = null, bool IsPrepared = false, RowPart? Part = null, bool IsInRows = false)
{
    /// <summary>Where its first row begins, where they are one after the other.</summary>
    /// <param name="columns">Columns of a row; of a vector, 1.</param>
    public nint AddressOf(int columns) => Tensor.Address + (RowOf(0) * WeightFormat.For(Stored).SourceRowBytes(columns));

    /// <summary>Which row of the tensor one of its rows is.</summary>
    public int RowOf(int row) => Part?.SourceRow(row) ?? row;

    /// <summary>Its bytes in the file, without signs.</summary>
    /// <param name="rows">Its rows; of a vector, its elements.</param>
    public long Bytes(int rows) => Part is { } part ? Tensor.ByteLength / part.Total * rows : Tensor.ByteLength;

    /// <summary>Gives the file's pages back; those that others have a part in stay.</summary>
    public void Release()
    {
        if (Part is null)
        {
            Tensor.Release();
        }
    }
}
