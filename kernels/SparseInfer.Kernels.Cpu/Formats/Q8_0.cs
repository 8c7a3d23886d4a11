using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>ggml's Q8_0: blocks of 32 columns, a half scale and 32 signed bytes; <c>w = scale * quant</c>, exact in F32.</summary>
public readonly struct Q8_0 : IWeightFormat
{
    /// <inheritdoc/>
    public static int BlockElements => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 34;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static bool QuantizesInput => true;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)(paddedColumns / 32) * 34;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        nuint offset = column / 32 * 34;
        float scale = Widening.Half(Unsafe.ReadUnaligned<short>(ref Unsafe.Add(ref row, offset)));
        Vector512<float> scales = Vector512.Create(scale);
        lo = Vector512.ConvertToSingle(Widening.Int8(ref row, offset + 2)) * scales;
        hi = Vector512.ConvertToSingle(Widening.Int8(ref row, offset + 18)) * scales;
    }

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        QuantizedInput.ToSixteenBits(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        BlockDot.Q8(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => paddedColumns;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDown32(ref byte scales, ref byte neuron, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        // The folded scale times the quant is exact too: a multiple of 2^-136 of at most 18 bits.
        ref short halves = ref Unsafe.As<byte, short>(ref scales);
        lo = Vector512.ConvertToSingle(Widening.Int8(ref neuron, column)) * Widening.FoldedHalf(ref halves, column);
        hi = Vector512.ConvertToSingle(Widening.Int8(ref neuron, column + 16)) * Widening.FoldedHalf(ref halves, column + 16);
    }

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        BlockDown.Add<Q8Down>(in down, active, h, ref y, fromColumn, toColumn);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron) =>
        Transposition.Q8_0(ref source, sourceStride, in down, fromNeuron, toNeuron);

    /// <summary>As ggml's reference: the scale is the largest magnitude over 127, quants are rounded half away from zero.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int block = 0; block < source.Length / 32; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 32, 32);
            Span<byte> bytes = destination.Slice(block * 34, 34);
            float largest = 0;
            foreach (float value in values)
                largest = MathF.Max(largest, MathF.Abs(value));
            float scale = largest / 127;
            float inverse = scale == 0 ? 0 : 1 / scale;
            MemoryMarshal.Write(bytes, (Half)scale);
            for (int i = 0; i < 32; i++)
                bytes[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.FirstScale(ref source, elements / 32, blockBytes: 34);
}
