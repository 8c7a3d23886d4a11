using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// IEEE half precision, rounded to the nearest, to even between two. Beyond ±65504, the largest half, a number is stored as that; infinities
/// and NaN stay what they are. Loaded numbers are smaller by 2^112.
/// </summary>
public readonly struct KeyValueF16 : IKeyValueFormat
{
    /// <inheritdoc/>
    public static float Unfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static int Columns(int headDimension) => (headDimension + 15) & ~15;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Bytes(int columns) => (nint)columns * sizeof(ushort);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(ref float source, ref byte row, int headDimension)
    {
        for (int i = 0; i < headDimension; i += 16)
        {
            Narrowing.Halves(HeadPart.Load(ref source, i, headDimension)).StoreUnsafe(ref Unsafe.As<byte, short>(ref row), (nuint)i);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, int column, out Vector512<float> lo, out Vector512<float> hi)
    {
        lo = Load16(ref row, column);
        hi = Load16(ref row, column + 16);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load16(ref byte row, int column) =>
        Widening.AnyFoldedHalf(ref Unsafe.As<byte, short>(ref row), (nuint)column);
}
