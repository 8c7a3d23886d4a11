using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>ggml's Q8_0: blocks of 32 columns, a half scale and 32 signed bytes; <c>w = scale * quant</c>, exact in F32.</summary>
public readonly partial struct Q8_0 : IWeightFormat
{
    /// <summary>Bytes of a block.</summary>
    internal const int Block = 34;

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
        lo = Vector512.ConvertToSingle(Widening.Int8(ref row, offset + 2)) * scales;
        hi = Vector512.ConvertToSingle(Widening.Int8(ref row, offset + 18)) * scales;
    }

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => paddedColumns;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDown32(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        // The folded scale times the quant is exact too: a multiple of 2^-136 of at most 18 bits.
        ref short halves = ref Unsafe.As<byte, short>(ref scales);
        lo = Vector512.ConvertToSingle(Widening.Int8(ref neuron, column)) * Widening.FoldedHalf(ref halves, column);
        hi = Vector512.ConvertToSingle(Widening.Int8(ref neuron, column + 16)) * Widening.FoldedHalf(ref halves, column + 16);
    }

    /// <summary>The blocks' scales go to the row of scales, their 32 bytes to 32 neurons.</summary>
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeDown(ref byte source, nint sourceStride, int columns, ref byte block, int neurons)
    {
        // Tiles whose source and destination lines both fit the first-level cache.
        const int TileColumns = 64;
        int paddedColumns = Padding.Pad(columns);
        ref ushort scales = ref Unsafe.As<byte, ushort>(ref block);
        ref byte quants = ref Unsafe.Add(ref block, DownScaleBytes(paddedColumns));
        for (int fromColumn = 0; fromColumn < columns; fromColumn += TileColumns)
        {
            int endColumn = Math.Min(fromColumn + TileColumns, columns);
            for (int j = fromColumn; j < endColumn; j++)
            {
                Unsafe.Add(ref scales, j) = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, j * sourceStride));
            }

            for (int i = 0; i < neurons; i++)
            {
                ref byte destination = ref Unsafe.Add(ref quants, i * DownNeuronBytes(paddedColumns));
                for (int j = fromColumn; j < endColumn; j++)
                {
                    Unsafe.Add(ref destination, j) = Unsafe.Add(ref source, (j * sourceStride) + 2 + i);
                }
            }
        }
    }

    /// <summary>As ggml's reference: the scale is the largest magnitude over 127, quants are rounded half away from zero.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int block = 0; block < source.Length / 32; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 32, 32);
            Span<byte> bytes = destination.Slice(block * Block, Block);
            float largest = 0;
            foreach (float value in values)
            {
                largest = MathF.Max(largest, MathF.Abs(value));
            }

            float scale = largest / 127;
            float inverse = scale == 0 ? 0 : 1 / scale;
            MemoryMarshal.Write(bytes, (Half)scale);
            for (int i = 0; i < 32; i++)
            {
                bytes[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
            }
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.FirstScale(ref source, elements / 32, blockBytes: Block);
}
