using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q4_0: blocks of 32 columns, a half scale and 16 bytes; byte k holds column k in its lower and column k + 16 in its upper four
/// bits; <c>w = scale * (quant - 8)</c>, exact in F32.
/// </summary>
public readonly unsafe partial struct Q4_0 : IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 18;

    /// <inheritdoc/>
    public static int BlockElements => 32;

    /// <inheritdoc/>
    public static int BlockBytes => Block;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)(paddedColumns / 32) * Block;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        nuint offset = column / 32 * Block;
        float scale = Widening.Half(Unsafe.ReadUnaligned<short>(ref Unsafe.Add(ref row, offset)));
        Vector512<float> scales = Vector512.Create(scale);
        Nibbles(ref row, offset + 2, out lo, out hi);
        lo *= scales;
        hi *= scales;
    }

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => paddedColumns / 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref short halves = ref Unsafe.As<byte, short>(ref scales);
        Nibbles(ref neuron, column / 2, out lo, out hi);
        lo *= Widening.FoldedHalf(ref halves, column);
        hi *= Widening.FoldedHalf(ref halves, column + 16);
    }

    /// <summary>
    /// The blocks' scales go to the row of scales, their quants to 32 neurons. In a neuron's row, too, byte k of every 16 holds column k below
    /// column k + 16; columns past the width hold 8, which means zero.
    /// </summary>
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons)
    {
        int paddedColumns = Padding.Pad(columns);
        ref ushort scales = ref Unsafe.As<byte, ushort>(ref block);
        ref byte quants = ref Unsafe.Add(ref block, DownScaleBytes(paddedColumns));
        for (int fromColumn = 0; fromColumn < paddedColumns; fromColumn += 32)
        {
            int endColumn = Math.Min(fromColumn + 32, columns);
            for (int j = fromColumn; j < endColumn; j++)
            {
                Unsafe.Add(ref scales, j) = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, j * sourceStride));
            }

            for (int i = 0; i < neurons; i++)
            {
                ref byte destination = ref Unsafe.Add(ref quants, (i * DownNeuronBytes(paddedColumns)) + (fromColumn / 2));
                int shift = i < 16 ? 0 : 4;
                for (int k = 0; k < 16; k++)
                {
                    int lower = Nibble(ref source, sourceStride, fromColumn + k, endColumn, i & 15, shift);
                    int upper = Nibble(ref source, sourceStride, fromColumn + k + 16, endColumn, i & 15, shift);
                    Unsafe.Add(ref destination, k) = (byte)(lower | (upper << 4));
                }
            }
        }
    }

    static int IQuantFormat.HighBits => 0;

    static int IQuantFormat.Excess => 8;

    static int IQuantFormat.PartColumns => 32;

    static int IQuantFormat.HalvesOffset => 0;

    static int IQuantFormat.ScalesOffset => 0;

    static int IQuantFormat.ScaleBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<byte> IQuantFormat.Load(byte* block, int part) => Quants.Four(block + sizeof(ushort));

    static int IQuantFormat.Scale(byte* scales, nint stride, int part) => 1;

    static int IQuantFormat.Minimum(byte* scales, nint stride, int part) => 0;

    static Vector256<sbyte> IQuantFormat.LoadScales(byte* scales, nint stride, int part) => default;

    static Vector256<sbyte> IQuantFormat.LoadMinima(byte* scales, nint stride, int part) => default;

    /// <summary>As ggml's reference: the scale is the value of largest magnitude, with its sign, over -8.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
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

            float scale = extreme / -8;
            float inverse = scale == 0 ? 0 : 1 / scale;
            MemoryMarshal.Write(bytes, (Half)scale);
            for (int k = 0; k < 16; k++)
            {
                bytes[2 + k] = (byte)(Quant(values[k] * inverse) | (Quant(values[k + 16] * inverse) << 4));
            }
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.FirstScale(ref source, elements / 32, blockBytes: Block);

    private static int Nibble(ref byte blocks, nint sourceStride, int column, int endColumn, int index, int shift) =>
        column < endColumn ? (Unsafe.Add(ref blocks, (column * sourceStride) + 2 + index) >> shift) & 15 : 8;

    private static int Quant(float scaled) => Math.Min(15, (int)(scaled + 8.5f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Nibbles(ref byte source, nuint index, out Vector512<float> lo, out Vector512<float> hi)
    {
        Vector128<byte> pairs = Vector128.LoadUnsafe(ref source, index);
        Vector128<sbyte> bias = Vector128.Create((sbyte)8);
        Vector128<sbyte> lower = (pairs & Vector128.Create((byte)0x0F)).AsSByte() - bias;
        Vector128<sbyte> upper = (pairs.AsUInt16() >>> 4).AsSByte() & Vector128.Create((sbyte)0x0F);
        lo = Vector512.ConvertToSingle(Widening.Int8(lower));
        hi = Vector512.ConvertToSingle(Widening.Int8(upper - bias));
    }
}
