using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>IEEE 754 binary16, finite. Weights come out smaller by 2^112, which the input makes up for.</summary>
public readonly partial struct F16 : IWeightFormat
{
    /// <inheritdoc/>
    public static int BlockElements => 1;

    /// <inheritdoc/>
    public static int BlockBytes => sizeof(ushort);

    /// <inheritdoc/>
    public static float Unfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static float DownUnfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref short halves = ref Unsafe.As<byte, short>(ref row);
        lo = Widening.FoldedHalf(ref halves, column);
        hi = Widening.FoldedHalf(ref halves, column + 16);
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
        Span<Half> halves = MemoryMarshal.Cast<byte, Half>(destination);
        for (int i = 0; i < source.Length; i++)
        {
            halves[i] = (Half)source[i];
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.FirstHalf(ref source, elements);
}
