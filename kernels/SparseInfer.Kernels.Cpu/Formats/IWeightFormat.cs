using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A type that weights are stored in: how they lie in a file, how in a down matrix, and what they are in F32. A marker for a kernel's type
/// argument. Rows are groups of 32 columns, in ggml's layout; widening to F32 is exact, or where blocks have a minimum rounded once. A format may deliver its weights in
/// <i>folded</i> scale, smaller by a power of two that the other factor makes up for: that moves no bit of a product or of a sum, and spares
/// a multiplication per weight.
/// </summary>
public interface IWeightFormat
{
    /// <summary>Elements to a block of the file's layout; 1 for plain formats.</summary>
    static abstract int BlockElements { get; }

    /// <summary>Bytes to a block of the file's layout.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>What brings <see cref="Load32"/>'s values to true scale: a power of two, 1 where nothing is folded.</summary>
    static abstract float Unfold { get; }

    /// <summary>What brings <see cref="LoadDown32"/>'s values to true scale: a power of two, 1 where nothing is folded.</summary>
    static abstract float DownUnfold { get; }

    /// <summary>Bytes of a row of <paramref name="paddedColumns"/> columns, a multiple of 32.</summary>
    static abstract nint RowBytes(int paddedColumns);

    /// <summary>Widens 32 consecutive columns of a row, in folded scale.</summary>
    /// <param name="row">First byte of the row.</param>
    /// <param name="column">First column, a multiple of 32.</param>
    /// <param name="lo">The first 16 columns.</param>
    /// <param name="hi">The other 16.</param>
    static abstract void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi);

    /// <summary>
    /// Bytes of the rows of scales that the neurons of a block of a down matrix share, 32 or <see cref="BlockElements"/>: first those of halves; 0
    /// where the format has none.
    /// </summary>
    static abstract nint DownScaleBytes(int paddedColumns);

    /// <summary>Bytes of one neuron's row of a down matrix.</summary>
    static abstract nint DownNeuronBytes(int paddedColumns);

    /// <summary>Widens 32 consecutive columns of one neuron of a down matrix, in folded scale.</summary>
    /// <param name="scales">First byte of the scales of the neuron's block.</param>
    /// <param name="neuron">First byte of the neuron's row.</param>
    /// <param name="inBlock">The neuron's number in its block.</param>
    /// <param name="paddedColumns">Length of the matrix's rows.</param>
    /// <param name="column">First column, a multiple of 32.</param>
    /// <param name="lo">The first 16 columns.</param>
    /// <param name="hi">The other 16.</param>
    static abstract void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi);

    /// <summary>Halves to a block, where there are blocks: a scale, or a scale and a minimum. A down matrix has a row of each at a block's head.</summary>
    static virtual int BlockHalves => 1;

    /// <summary>
    /// Transposes some neurons of a file's down matrix (hidden x intermediate) into a block of neuron-major storage: the rows of scales, then a
    /// padded row for each neuron.
    /// </summary>
    /// <param name="source">The first neuron's element in the file's first row, or the block that holds it.</param>
    /// <param name="sourceStride">Bytes of one of the file's rows.</param>
    /// <param name="columns">The file's rows: the storage's columns.</param>
    /// <param name="block">First byte of the block, which is zeroed.</param>
    /// <param name="neurons">Number of neurons: a block, or 32 or the rest of a matrix in a plain format.</param>
    static abstract void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons);

    /// <summary>Rounds F32 values to this format.</summary>
    /// <param name="source">The values; a multiple of <see cref="BlockElements"/> of them.</param>
    /// <param name="destination">Room for as many, in the file's layout.</param>
    static abstract void Encode(ReadOnlySpan<float> source, Span<byte> destination);

    /// <summary>Finds the first element, or scale of a block, that is infinite or not a number.</summary>
    /// <param name="source">First byte of the elements, in the file's layout.</param>
    /// <param name="elements">Their number, a multiple of <see cref="BlockElements"/>.</param>
    /// <returns>Index of the element, or of the first element of the block; -1 if there is none.</returns>
    static abstract nint FirstNonFinite(ref byte source, nint elements);
}
