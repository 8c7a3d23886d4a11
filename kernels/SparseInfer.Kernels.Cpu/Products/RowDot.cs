using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Dot products of weight rows with an input. What is added to what is fixed by the format (<see cref="PlainDot"/>, <see cref="BlockDot"/>): the same bits
/// from every primitive, thread count and processor.
/// </summary>
public static class RowDot
{
    /// <summary>Four rows at once; x is read once for all.</summary>
    /// <param name="x">The input, prepared by <see cref="IWeightArithmetic.PrepareInput"/>.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="next">
    /// The rows that will be asked for next, or these again: line by line they are fetched while these are worked on, or, of 16-bit rows that lie apart,
    /// their beginnings. Memory is then never idle, and the processor's own prefetching could not know where the next surviving row lies. Any address is harmless.
    /// </param>
    /// <param name="paddedColumns">Length of x and of the rows, a multiple of 32.</param>
    /// <returns>The four dot products, still to be multiplied by what <see cref="IWeightArithmetic.PrepareInput"/> returned.</returns>
    /// <remarks>
    /// Never inlined: a kernel that holds two of these exceeds the JIT's budget, and then it is the vector operations that become calls.
    /// One call for four rows costs nothing that could be measured.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector128<float> Four<T>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where T : IWeightArithmetic => T.DotFour(ref x, in rows, in next, paddedColumns);
}
