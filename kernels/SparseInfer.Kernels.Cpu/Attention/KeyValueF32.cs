using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>IEEE single precision: what was computed.</summary>
public readonly struct KeyValueF32 : IKeyValueFormat
{
    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static int Columns(int headDimension) => (headDimension + 15) & ~15;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Bytes(int columns) => (nint)columns * sizeof(float);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(ref float source, ref byte row, int headDimension)
    {
        for (int i = 0; i < headDimension; i += 16)
        {
            HeadPart.Load(ref source, i, headDimension).StoreUnsafe(ref Unsafe.As<byte, float>(ref row), (nuint)i);
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
        Vector512.LoadUnsafe(ref Unsafe.As<byte, float>(ref row), (nuint)column);
}
