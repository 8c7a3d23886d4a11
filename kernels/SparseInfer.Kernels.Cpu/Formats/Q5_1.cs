using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q5_1: blocks of 32 columns, a half scale and a half minimum, then fifth bits and four bits as in <see cref="Q5_0"/>;
/// <c>w = scale * quant + minimum</c>, rounded once.
/// </summary>
public readonly unsafe partial struct Q5_1 : IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 24;

    /// <inheritdoc/>
    public static int BlockElements => 32;

    /// <inheritdoc/>
    public static int BlockBytes => Block;

    /// <inheritdoc/>
    public static int BlockHalves => 2;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => QuantBlocks.RowBytes<Q5_1>(paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.Load32<Q5_1>(ref row, column, out lo, out hi);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => QuantBlocks.DownScaleBytes<Q5_1>(paddedColumns);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => QuantBlocks.DownNeuronBytes<Q5_1>(paddedColumns);

    /// <inheritdoc/>
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.LoadDown32<Q5_1>(ref scales, ref neuron, inBlock, paddedColumns, column, out lo, out hi);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons) =>
        QuantBlocks.TransposeDown<Q5_1>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => QuantBlocks.FirstNonFinite<Q5_1>(ref source, elements);

    static int IQuantFormat.HighBits => 1;

    static int IQuantFormat.Excess => 0;

    static int IQuantFormat.PartColumns => 32;

    static int IQuantFormat.HalvesOffset => 0;

    static int IQuantFormat.ScalesOffset => 0;

    static int IQuantFormat.ScaleBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> IQuantFormat.Load(byte* block, int part) =>
        Quants.Five(block + 8, Unsafe.ReadUnaligned<uint>(block + 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Scale(byte* scales, nint stride, int part) => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Minimum(byte* scales, nint stride, int part) => -1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadScales(byte* scales, nint stride, int part) => Vector256<sbyte>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadMinima(byte* scales, nint stride, int part) => Vector256.Create((sbyte)-1);

    /// <summary>As ggml's reference: from the smallest to the largest value in 31 steps.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<byte> quants = stackalloc byte[32];
        for (int block = 0; block < source.Length / 32; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 32, 32);
            Span<byte> bytes = destination.Slice(block * Block, Block);
            float minimum = float.MaxValue;
            float maximum = float.MinValue;
            foreach (float value in values)
            {
                minimum = MathF.Min(minimum, value);
                maximum = MathF.Max(maximum, value);
            }

            float scale = (maximum - minimum) / 31;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int k = 0; k < 32; k++)
            {
                quants[k] = (byte)Math.Min(31, (int)(((values[k] - minimum) * inverse) + 0.5f));
            }

            MemoryMarshal.Write(bytes, (Half)scale);
            MemoryMarshal.Write(bytes[2..], (Half)minimum);
            FiveBits.Store(quants, bytes[4..]);
        }
    }
}
