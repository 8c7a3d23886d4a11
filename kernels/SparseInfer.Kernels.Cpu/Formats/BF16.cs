using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>bfloat16: the upper half of a binary32.</summary>
public readonly partial struct BF16 : IWeightFormat
{
    /// <inheritdoc/>
    public static int BlockElements => 1;

    /// <inheritdoc/>
    public static int BlockBytes => sizeof(ushort);

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref short values = ref Unsafe.As<byte, short>(ref row);
        lo = (Widening.Int16(ref values, column) << 16).AsSingle();
        hi = (Widening.Int16(ref values, column + 16) << 16).AsSingle();
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
        PlainDownBlock.Transpose<ushort>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<ushort> values = MemoryMarshal.Cast<byte, ushort>(destination);
        for (int i = 0; i < source.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[i]);
            // To nearest, ties to even; a NaN keeps its payload's top and stays a NaN where the carry would make an infinity of it.
            values[i] = float.IsNaN(source[i])
                ? (ushort)((bits >> 16) | 0x40)
                : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.First16(ref source, elements, exponentMask: 0x7F80);
}
