using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A type that weights are stored in: a marker for a kernel's type argument. Rows are groups of 32 columns, in ggml's layout; widening to
/// F32 is exact in every format. A format may deliver its weights in <i>folded</i> scale, smaller by a power of two that the other factor
/// makes up for: that moves no bit of a product or of a sum, and spares a multiplication per weight.
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

    /// <summary>Whether <see cref="PrepareInput"/> rounds the input to integers: what dot products then give differs from F32's.</summary>
    static abstract bool QuantizesInput { get; }

    /// <summary>Bytes of a row of <paramref name="paddedColumns"/> columns, a multiple of 32.</summary>
    static abstract nint RowBytes(int paddedColumns);

    /// <summary>Widens 32 consecutive columns of a row, in folded scale.</summary>
    /// <param name="row">First byte of the row.</param>
    /// <param name="column">First column, a multiple of 32.</param>
    /// <param name="lo">The first 16 columns.</param>
    /// <param name="hi">The other 16.</param>
    static abstract void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi);

    /// <summary>
    /// Brings an input vector into the form that <see cref="DotFour"/> wants, in the room of its floats: in plain formats multiplied by
    /// <see cref="Unfold"/>, or by less where an element is so large that it would overflow; in block formats quantized, with a scale for every 32 elements.
    /// </summary>
    /// <param name="x">The input, padded with zeros.</param>
    /// <param name="prepared">Where the prepared input goes; may be <paramref name="x"/> itself.</param>
    /// <param name="paddedColumns">Length of both, a multiple of 32.</param>
    /// <returns>The power of two by which every dot product with the prepared input is to be multiplied: 1 but for huge inputs.</returns>
    static abstract float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns);

    /// <summary>Dots four rows with a prepared input: see <see cref="RowDot.Four{T}"/>, which everybody calls.</summary>
    static abstract Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns);

    /// <summary>Bytes of the row of scales that 32 neurons of a down matrix share; 0 where the format has none.</summary>
    static abstract nint DownScaleBytes(int paddedColumns);

    /// <summary>Bytes of one neuron's row of a down matrix.</summary>
    static abstract nint DownNeuronBytes(int paddedColumns);

    /// <summary>Widens 32 consecutive columns of one neuron of a down matrix, in folded scale.</summary>
    /// <param name="scales">First byte of the scales of the neuron's block.</param>
    /// <param name="neuron">First byte of the neuron's row.</param>
    /// <param name="column">First column, a multiple of 32.</param>
    /// <param name="lo">The first 16 columns.</param>
    /// <param name="hi">The other 16.</param>
    static abstract void LoadDown32(ref byte scales, ref byte neuron, nuint column, out Vector512<float> lo, out Vector512<float> hi);

    /// <summary>Adds neurons of a down matrix, each times its activation: see <see cref="OrderedDown.Accumulate{T}"/>, which everybody calls.</summary>
    static abstract void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn);

    /// <summary>Transposes a range of neurons of a file's down matrix (hidden x intermediate) into neuron-major storage.</summary>
    /// <param name="source">First byte of the file's matrix.</param>
    /// <param name="sourceStride">Bytes of one of its rows.</param>
    /// <param name="down">The storage, zeroed.</param>
    /// <param name="fromNeuron">First neuron, a multiple of 32.</param>
    /// <param name="toNeuron">End of the range: a multiple of 32, or the number of neurons.</param>
    static abstract void TransposeDown(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron);

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
