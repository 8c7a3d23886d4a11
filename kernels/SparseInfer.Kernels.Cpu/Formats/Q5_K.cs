using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q5_K: as <see cref="Q4_K"/>, with 32 bytes of fifth bits between scales and four bits: bit i of byte k is that of column 32 i + k.
/// </summary>
public readonly unsafe partial struct Q5_K : IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 176;

    /// <inheritdoc/>
    public static int BlockElements => 256;

    /// <inheritdoc/>
    public static int BlockBytes => Block;

    /// <inheritdoc/>
    public static int BlockHalves => 2;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => QuantBlocks.RowBytes<Q5_K>(paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.Load32<Q5_K>(ref row, column, out lo, out hi);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => QuantBlocks.DownScaleBytes<Q5_K>(paddedColumns);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => QuantBlocks.DownNeuronBytes<Q5_K>(paddedColumns);

    /// <inheritdoc/>
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.LoadDown32<Q5_K>(ref scales, ref neuron, inBlock, paddedColumns, column, out lo, out hi);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons) =>
        QuantBlocks.TransposeDown<Q5_K>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => QuantBlocks.FirstNonFinite<Q5_K>(ref source, elements);

    static int IQuantFormat.HighBits => 1;

    static int IQuantFormat.Excess => 0;

    static int IQuantFormat.PartColumns => 32;

    static int IQuantFormat.HalvesOffset => 0;

    static int IQuantFormat.ScalesOffset => 4;

    static int IQuantFormat.ScaleBytes => SixBitScales.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> IQuantFormat.Load(byte* block, int part) =>
        ((Vector256.Load(block + 48 + (part / 2 * 32)).AsUInt16() >>> (part % 2 * 4)).AsByte() & Vector256.Create((byte)15))
        | ((((Vector256.Load(block + 16).AsUInt16() >>> part) & Vector256.Create((ushort)0x0101)) << 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Scale(byte* scales, nint stride, int part) => SixBitScales.Scale(scales, stride, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Minimum(byte* scales, nint stride, int part) => SixBitScales.Minimum(scales, stride, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadScales(byte* scales, nint stride, int part) => SixBitScales.LoadScales(scales, stride, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadMinima(byte* scales, nint stride, int part) => SixBitScales.LoadMinima(scales, stride, part);

    /// <summary>Scales and minima of least squares, as <see cref="QuantFit"/> finds them.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<byte> quants = stackalloc byte[256];
        for (int block = 0; block < source.Length / 256; block++)
        {
            Span<byte> bytes = destination.Slice(block * Block, Block);
            SixBitScales.Encode(source.Slice(block * 256, 256), bytes, quants, largest: 31);
            SuperBlock.StoreFourBits(quants, bytes[48..]);
            Span<byte> fifth = bytes.Slice(16, 32);
            fifth.Clear();
            for (int k = 0; k < 256; k++)
            {
                fifth[k % 32] |= (byte)(quants[k] >> 4 << (k / 32));
            }
        }
    }
}
