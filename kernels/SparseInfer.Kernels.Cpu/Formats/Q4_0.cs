using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q4_0: blocks of 32 columns, a half scale and 16 bytes; byte k holds column k in its lower and column k + 16 in its upper four
/// bits; <c>w = scale * (quant - 8)</c>, exact in F32.
/// </summary>
public readonly struct Q4_0 : IWeightFormat
{
    /// <inheritdoc/>
    public static int BlockElements => 32;

    /// <inheritdoc/>
    public static int BlockBytes => 18;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static float DownUnfold => Widening.HalfUnfold;

    /// <inheritdoc/>
    public static bool QuantizesInput => true;

    /// <inheritdoc/>
    public static nint RowBytes(int paddedColumns) => (nint)(paddedColumns / 32) * 18;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        nuint offset = column / 32 * 18;
        float scale = Widening.Half(Unsafe.ReadUnaligned<short>(ref Unsafe.Add(ref row, offset)));
        Vector512<float> scales = Vector512.Create(scale);
        Nibbles(ref row, offset + 2, out lo, out hi);
        lo *= scales;
        hi *= scales;
    }

    /// <inheritdoc/>
    public static float PrepareInput(ref readonly float x, ref float prepared, int paddedColumns) =>
        QuantizedInput.ToEightBits(in x, ref prepared, paddedColumns);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> DotFour(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        BlockDot.Q4(ref x, in rows, in next, paddedColumns);

    /// <inheritdoc/>
    public static nint DownScaleBytes(int paddedColumns) => (nint)paddedColumns * sizeof(ushort);

    /// <inheritdoc/>
    public static nint DownNeuronBytes(int paddedColumns) => paddedColumns / 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDown32(ref byte scales, ref byte neuron, nuint column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref short halves = ref Unsafe.As<byte, short>(ref scales);
        Nibbles(ref neuron, column / 2, out lo, out hi);
        lo *= Widening.FoldedHalf(ref halves, column);
        hi *= Widening.FoldedHalf(ref halves, column + 16);
    }

    /// <inheritdoc/>
    public static void AddDown(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn) =>
        BlockDown.Add<Q4Down>(in down, active, h, ref y, fromColumn, toColumn);

    /// <inheritdoc/>
    public static void TransposeDown(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron) =>
        Transposition.Q4_0(ref source, sourceStride, in down, fromNeuron, toNeuron);

    /// <summary>As ggml's reference: the scale is the value of largest magnitude, with its sign, over -8.</summary>
    /// <inheritdoc/>
    public static void Encode(ReadOnlySpan<float> source, Span<byte> destination)
    {
        for (int block = 0; block < source.Length / 32; block++)
        {
            ReadOnlySpan<float> values = source.Slice(block * 32, 32);
            Span<byte> bytes = destination.Slice(block * 18, 18);
            float extreme = 0;
            foreach (float value in values)
            {
                if (MathF.Abs(value) > MathF.Abs(extreme))
                    extreme = value;
            }
            float scale = extreme / -8;
            float inverse = scale == 0 ? 0 : 1 / scale;
            MemoryMarshal.Write(bytes, (Half)scale);
            for (int k = 0; k < 16; k++)
                bytes[2 + k] = (byte)(Quant(values[k] * inverse) | (Quant(values[k + 16] * inverse) << 4));
        }
    }

    /// <inheritdoc/>
    public static nint FirstNonFinite(ref byte source, nint elements) => NonFinite.FirstScale(ref source, elements / 32, blockBytes: 18);

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
