using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>IEEE 754 binary32.</summary>
public readonly partial struct F32 : IWeightFormat
{
    /// <inheritdoc/>
    public static int BlockElements => 1;

    /// <inheritdoc/>
    public static int BlockBytes => sizeof(float);

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)paddedColumns * sizeof(float);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref float values = ref Unsafe.As<byte, float>(ref row);
        lo = Vector512.LoadUnsafe(ref values, column);
        hi = Vector512.LoadUnsafe(ref values, column + 16);
    }

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => 0;

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => RowBytes(paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        Load32(ref neuron, column, out lo, out hi);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons) =>
        PlainDownBlock.Transpose<float>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination) => MemoryMarshal.AsBytes(source).CopyTo(destination);

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements)
    {
        ref int bits = ref Unsafe.As<byte, int>(ref source);
        Vector512<int> exponent = Vector512.Create(0x7F800000);
        nint index = 0;
        for (; index <= elements - 16; index += 16)
        {
            if (Vector512.EqualsAny(Vector512.LoadUnsafe(ref bits, (nuint)index) & exponent, exponent))
            {
                break;
            }
        }

        for (; index < elements; index++)
        {
            if (!float.IsFinite(Unsafe.ReadUnaligned<float>(ref Unsafe.As<int, byte>(ref Unsafe.Add(ref bits, index)))))
            {
                return index;
            }
        }

        return -1;
    }
}
