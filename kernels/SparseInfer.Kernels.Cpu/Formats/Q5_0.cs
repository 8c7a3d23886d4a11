using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q5_0: blocks of 32 columns, a half scale, 4 bytes of fifth bits and 16 bytes of four bits, of which byte k holds column k below column
/// k + 16; <c>w = scale * (quant - 16)</c>, exact in F32.
/// </summary>
public readonly unsafe partial struct Q5_0 : IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 22;

    /// <inheritdoc/>
    public static int BlockElements => 32;

    /// <inheritdoc/>
    public static int BlockBytes => Block;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => QuantBlocks.RowBytes<Q5_0>(paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.Load32<Q5_0>(ref row, column, out lo, out hi);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => QuantBlocks.DownScaleBytes<Q5_0>(paddedColumns);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => QuantBlocks.DownNeuronBytes<Q5_0>(paddedColumns);

    /// <inheritdoc/>
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.LoadDown32<Q5_0>(ref scales, ref neuron, inBlock, paddedColumns, column, out lo, out hi);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons) =>
        QuantBlocks.TransposeDown<Q5_0>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => QuantBlocks.FirstNonFinite<Q5_0>(ref source, elements);

    static int IQuantFormat.HighBits => 1;

    static int IQuantFormat.Excess => 16;

    static int IQuantFormat.PartColumns => 32;

    static int IQuantFormat.HalvesOffset => 0;

    static int IQuantFormat.ScalesOffset => 0;

    static int IQuantFormat.ScaleBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> IQuantFormat.Load(byte* block, int part) =>
        Quants.Five(block + 6, Unsafe.ReadUnaligned<uint>(block + 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Scale(byte* scales, nint stride, int part) => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Minimum(byte* scales, nint stride, int part) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadScales(byte* scales, nint stride, int part) => Vector256<sbyte>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadMinima(byte* scales, nint stride, int part) => default;

    /// <summary>As ggml's reference: the scale is the value of largest magnitude, with its sign, over -16.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<byte> quants = stackalloc byte[32];
        for (int block = 0; block < source.Length / 32; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 32, 32);
            Span<byte> bytes = destination.Slice(block * Block, Block);
            float extreme = 0;
            foreach (float value in values)
            {
                if (MathF.Abs(value) > MathF.Abs(extreme))
                {
                    extreme = value;
                }
            }

            float scale = extreme / -16;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int k = 0; k < 32; k++)
            {
                quants[k] = (byte)Math.Min(31, (int)((values[k] * inverse) + 16.5f));
            }

            MemoryMarshal.Write(bytes, (Half)scale);
            FiveBits.Store(quants, bytes[2..]);
        }
    }
}
