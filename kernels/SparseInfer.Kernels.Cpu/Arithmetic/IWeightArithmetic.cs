using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What is computed with weights as they are stored: dot products of four rows with an input, and rows added up, each times its activation.
/// What is added to what, and in which order, belongs to the format: the same bits from every primitive, thread count and processor.
/// </summary>
public interface IWeightArithmetic : IWeightFormat
{
    /// <summary>Whether inputs and activations are rounded to integers: what products then give differs from F32's.</summary>
    static abstract bool QuantizesInput { get; }

    /// <summary>
    /// Brings an input vector into the form that <see cref="DotFour"/> wants, in the room of its floats: in plain formats multiplied by
    /// <see cref="IWeightFormat.Unfold"/>, or by less where an element is so large that it would overflow; in block formats quantized, with a
    /// scale for every 32 elements.
    /// </summary>
    /// <param name="x">The input, padded with zeros.</param>
    /// <param name="prepared">Where the prepared input goes; may be <paramref name="x"/> itself.</param>
    /// <param name="paddedColumns">Length of both, a multiple of 32.</param>
    /// <returns>The power of two by which every dot product with the prepared input is to be multiplied: 1 but for huge inputs.</returns>
    static abstract float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns);

    /// <summary>Dots four rows with a prepared input.</summary>
    /// <param name="x">The input, as <see cref="PrepareInput"/> left it.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="next">The rows that come next: fetched meanwhile. Any address is harmless.</param>
    /// <param name="paddedColumns">Length of x and of the rows, a multiple of 32.</param>
    /// <returns>The four dot products, still to be multiplied by what <see cref="PrepareInput"/> returned.</returns>
    static abstract Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns);

    /// <summary>Whether <see cref="DotFourTokens"/> is there.</summary>
    internal static virtual bool HasTokens => false;

    /// <summary>As <see cref="DotFour"/>, with the inputs of two tokens or more, one after the other; four results for each.</summary>
    internal static virtual unsafe void DotFourTokens(
        float* inputs, int tokens, in FourRows rows, in FourRows next, int paddedColumns, float* totals) => throw new NotSupportedException();

    /// <summary>Adds neurons of a down matrix, each times its activation, to y.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="active">The neurons, ascending.</param>
    /// <param name="h">Their activations, at least one; neurons that have none are fetched, not added.</param>
    /// <param name="y">The sums, column 0's first.</param>
    /// <param name="fromColumn">First column, a multiple of 32.</param>
    /// <param name="toColumn">End of the range, a multiple of 32.</param>
    static abstract void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn);

    /// <summary>Whether a batch is multiplied as integers: <see cref="PackTiles"/> and <see cref="MultiplyTiles"/> are there.</summary>
    internal static virtual bool HasTiles => false;

    /// <summary>Fewer tokens are faster one by one, where four rows stay in the caches meanwhile.</summary>
    internal static virtual int LeastTokens => IntegerProduct.LeastTokens;

    /// <summary><see cref="IntegerProduct.Pack{T,TTile}"/> with the type's tile.</summary>
    internal static virtual unsafe void PackTiles(
        int paddedColumns, ref float x, int xStride, int tokens, float* undo, float* inputs, float* row) => throw new NotSupportedException();

    /// <summary><see cref="IntegerProduct.Multiply{TTile}"/> with the type's tile.</summary>
    internal static virtual unsafe void MultiplyTiles(
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        float* undo,
        float* inputs,
        float* scratch) => throw new NotSupportedException();

    /// <summary>Fewer tokens are faster one by one in down, where a block of neurons stays in the caches meanwhile.</summary>
    internal static virtual int LeastDownTokens => IntegerProduct.LeastTokens;

    /// <summary><see cref="IntegerDown.TryAdd{TTile}"/> with the type's tile.</summary>
    internal static virtual unsafe bool TryAddDownTiles(
        in DownMatrix down, ref float h, int hStride, int tokens, in IntegerDown.Batch batch, int neuron, int end, int fromColumn, int toColumn) => false;
}
