using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Reads a token's embedding.</summary>
public static class EmbeddingRow
{
    /// <summary>Widens one row of a matrix to F32, exactly.</summary>
    /// <param name="w">The embedding.</param>
    /// <param name="row">The token.</param>
    /// <param name="destination">Room for the padded row.</param>
    /// <param name="paddedColumns">The row's width, a multiple of 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<T>(in WeightMatrix w, int row, ref float destination, int paddedColumns)
        where T : IWeightFormat
    {
        ref byte source = ref w.Row(row);
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (nuint column = 0; column < (nuint)paddedColumns; column += 32)
        {
            T.Load32(ref source, column, out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).StoreUnsafe(ref destination, column);
            (hi * unfold).StoreUnsafe(ref destination, column + 16);
        }
    }

    /// <summary>Adds one row of a matrix, widened to F32.</summary>
    /// <param name="w">A table, such as that of learned positions.</param>
    /// <param name="row">The row.</param>
    /// <param name="x">What it is added to, padded.</param>
    /// <param name="paddedColumns">The row's width, a multiple of 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddWidened<T>(in WeightMatrix w, int row, ref float x, int paddedColumns)
        where T : IWeightFormat
    {
        ref byte source = ref w.Row(row);
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (nuint column = 0; column < (nuint)paddedColumns; column += 32)
        {
            T.Load32(ref source, column, out Vector512<float> lo, out Vector512<float> hi);
            (Vector512.LoadUnsafe(ref x, column) + (lo * unfold)).StoreUnsafe(ref x, column);
            (Vector512.LoadUnsafe(ref x, column + 16) + (hi * unfold)).StoreUnsafe(ref x, column + 16);
        }
    }
}
