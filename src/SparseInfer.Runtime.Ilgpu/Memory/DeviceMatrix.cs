using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>
/// A weight matrix on a device, row-major; columns are padded with zeros to a multiple of 32. Default where nothing is loaded: in the
/// binder's checking pass.
/// </summary>
public readonly struct DeviceMatrix
{
    internal DeviceMatrix(
        WeightType type, ArrayView<Words4> words, ArrayView<ushort> scales, int rows, int columns, int rowWords, int firstRow = 0)
    {
        Columns = columns;
        FirstRow = firstRow;
        Type = type;
        Words = words;
        Scales = scales;
        Rows = rows;
        RowWords = rowWords;
    }

    /// <summary>How its weights are stored.</summary>
    public WeightType Type { get; }

    /// <summary>
    /// Its rows, [<see cref="Rows"/> x <see cref="RowWords"/>]. Plain types as they are in a file; of block types the quants alone, of so many
    /// columns in an element as <see cref="ColumnsPerWords"/> says. Of five and six bits, the bits above four stand behind all of those.
    /// </summary>
    public ArrayView<Words4> Words { get; }

    /// <summary>
    /// Scales of block types, as halves' bits. Of a matrix one for each block of 32 columns, [rows x padded columns / 32]. Of a down matrix,
    /// whose blocks run along the intermediate dimension, one for each 32 neurons and column: [neurons / 32, rounded up, x padded columns]. Types with
    /// a minimum have two in a place of one. Those with blocks of 256 have ten for a block: two halves, then two bytes for each 32; in a down matrix
    /// a row of two halves a column, then eight rows.
    /// </summary>
    public ArrayView<ushort> Scales { get; }

    /// <summary>Number of rows; of a down matrix, neurons.</summary>
    public int Rows { get; }

    /// <summary>Its columns as declared, without padding; of a down matrix, the hidden width.</summary>
    public int Columns { get; }

    /// <summary>In a stack of matrices, the rows that come before this one's.</summary>
    public int FirstRow { get; }

    /// <summary>Elements of <see cref="Words"/> in a row.</summary>
    public int RowWords { get; }

    /// <summary>Bytes that reading it once takes.</summary>
    public long ByteLength => Words.LengthInBytes + Scales.LengthInBytes;

    /// <summary>Columns that one <see cref="Words4"/> holds.</summary>
    /// <param name="type">A weight type.</param>
    public static int ColumnsPerWords(WeightType type) => DeviceFormat.For(type).ColumnsPerWords;
}
