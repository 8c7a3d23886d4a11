using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q6_K: blocks of 256 columns: 128 bytes of four bits, 64 bytes of two, a signed byte of scale for every 16 columns, and their half at the
/// end. Of each 128 columns 64 bytes hold the first 64 in their lower and the other 64 in their upper four bits; 32 bytes hold the upper bits of
/// columns k, k + 32, k + 64 and k + 96 in byte k. <c>w = half * scale * (quant - 32)</c>, exact in F32.
/// </summary>
public readonly unsafe partial struct Q6_K : IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 210;

    /// <inheritdoc/>
    public static int BlockElements => 256;

    /// <inheritdoc/>
    public static int BlockBytes => Block;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => 1;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => QuantBlocks.RowBytes<Q6_K>(paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.Load32<Q6_K>(ref row, column, out lo, out hi);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => QuantBlocks.DownScaleBytes<Q6_K>(paddedColumns);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => QuantBlocks.DownNeuronBytes<Q6_K>(paddedColumns);

    /// <inheritdoc/>
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi) =>
        QuantBlocks.LoadDown32<Q6_K>(ref scales, ref neuron, inBlock, paddedColumns, column, out lo, out hi);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons) =>
        QuantBlocks.TransposeDown<Q6_K>(ref source, sourceStride, columns, ref block, neurons);

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => QuantBlocks.FirstNonFinite<Q6_K>(ref source, elements);

    static int IQuantFormat.HighBits => 2;

    static int IQuantFormat.Excess => 32;

    static int IQuantFormat.PartColumns => 16;

    static int IQuantFormat.HalvesOffset => 208;

    static int IQuantFormat.ScalesOffset => 192;

    static int IQuantFormat.ScaleBytes => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> IQuantFormat.Load(byte* block, int part) =>
        ((Vector256.Load(block + (part / 4 * 64) + (part % 2 * 32)).AsUInt16() >>> (part % 4 / 2 * 4)).AsByte() & Vector256.Create((byte)15))
        | ((((Vector256.Load(block + 128 + (part / 4 * 32)).AsUInt16() >>> (part % 4 * 2)) & Vector256.Create((ushort)0x0303)) << 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Scale(byte* scales, nint stride, int part) => (sbyte)scales[part * stride];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int IQuantFormat.Minimum(byte* scales, nint stride, int part) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadScales(byte* scales, nint stride, int part) => Vector256.Load((sbyte*)scales + (part * stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<sbyte> IQuantFormat.LoadMinima(byte* scales, nint stride, int part) => default;

    /// <summary>Scales of least squares, as <see cref="QuantFit"/> finds them.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        const float Least = 1e-15f;
        Span<float> scales = stackalloc float[16];
        Span<byte> quants = stackalloc byte[256];
        for (int block = 0; block < source.Length / 256; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 256, 256);
            Span<byte> bytes = destination.Slice(block * Block, Block);
            bytes.Clear();
            float extreme = 0;
            for (int part = 0; part < 16; part++)
            {
                scales[part] = QuantFit.Symmetric(values.Slice(part * 16, 16), range: 32);
                extreme = MathF.Abs(scales[part]) > MathF.Abs(extreme) ? scales[part] : extreme;
            }

            if (MathF.Abs(extreme) < Least)
            {
                continue;
            }

            float inverse = -128 / extreme;
            var half = (Half)(1 / inverse);
            MemoryMarshal.Write(bytes[208..], half);
            for (int part = 0; part < 16; part++)
            {
                int scale = Math.Min(127, (int)MathF.Round(inverse * scales[part]));
                bytes[192 + part] = (byte)scale;
                float step = (float)half * scale;
                for (int k = part * 16; k < (part + 1) * 16; k++)
                {
                    quants[k] = (byte)(step == 0 ? 32 : Math.Clamp((int)MathF.Round(values[k] / step), -32, 31) + 32);
                }
            }

            for (int k = 0; k < 256; k++)
            {
                (int of128, int inside) = (k / 128, k % 128);
                bytes[(of128 * 64) + (inside % 64)] |= (byte)((quants[k] & 15) << (inside / 64 * 4));
                bytes[128 + (of128 * 32) + (inside % 32)] |= (byte)(quants[k] >> 4 << (inside / 32 * 2));
            }
        }
    }
}
