using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// ggml's Q8_0 along the head's dimension: blocks of 32 numbers, a half scale and 32 signed bytes. The scale is the largest magnitude over
/// 127; numbers are rounded to the nearest multiple of it, to even between two. A block with an infinity or a NaN is NaN as a whole.
/// </summary>
public readonly struct KeyValueQ8_0 : IKeyValueFormat
{
    private const int BlockColumns = 32;
    private const int BlockBytes = sizeof(ushort) + BlockColumns;
    private const int LargestQuant = 127;
    private const float LargestHalf = 65504;

    /// <inheritdoc/>
    public static float Unfold => 1;

    /// <inheritdoc/>
    public static int Columns(int headDimension) => (headDimension + (BlockColumns - 1)) & ~(BlockColumns - 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Bytes(int columns) => (nint)columns / BlockColumns * BlockBytes;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(ref float source, ref byte row, int headDimension)
    {
        for (int i = 0; i < headDimension; i += BlockColumns)
        {
            StoreBlock(
                HeadPart.Load(ref source, i, headDimension),
                HeadPart.Load(ref source, i + 16, headDimension),
                ref Unsafe.Add(ref row, Bytes(i)));
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32(ref byte row, int column, out Vector512<float> lo, out Vector512<float> hi)
    {
        ref byte block = ref Unsafe.Add(ref row, Bytes(column));
        Vector512<float> scale = Vector512.Create(Widening.AnyHalf(Unsafe.ReadUnaligned<short>(ref block)));
        lo = Vector512.ConvertToSingle(Widening.Int8(ref block, sizeof(ushort))) * scale;
        hi = Vector512.ConvertToSingle(Widening.Int8(ref block, sizeof(ushort) + 16)) * scale;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Always: rows are whole blocks.</exception>
    public static Vector512<float> Load16(ref byte row, int column) => throw new NotSupportedException("Rows are whole blocks of 32 columns.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBlock(Vector512<float> lo, Vector512<float> hi, ref byte block)
    {
        float largest = LargestMagnitude(lo, hi);
        Half scale = float.IsFinite(largest) ? (Half)MathF.Min(largest / LargestQuant, LargestHalf) : Half.NaN;
        Vector512<float> inverse = Vector512.Create(Half.IsNaN(scale) || scale == Half.Zero ? 0 : LargestQuant / MathF.Min(largest, LargestHalf * LargestQuant));
        Unsafe.WriteUnaligned(ref block, scale);
        Vector512<short> quants = Vector512.Narrow(Quants(lo, inverse), Quants(hi, inverse));
        Vector256.Narrow(quants.GetLower(), quants.GetUpper()).StoreUnsafe(ref Unsafe.As<byte, sbyte>(ref Unsafe.Add(ref block, sizeof(ushort))));
    }

    /// <summary>Rounded multiples of the scale. Beyond the largest one are only numbers whose scale would be no half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Quants(Vector512<float> values, Vector512<float> inverse)
    {
        Vector512<float> quants = Vector512.Round(values * inverse);
        quants = Vector512.Min(Vector512.Max(quants, Vector512.Create((float)-LargestQuant)), Vector512.Create((float)LargestQuant));
        return Vector512.ConvertToInt32(quants);
    }

    /// <summary>Magnitudes of floats order as their bits do, NaN above infinity.</summary>
    private static float LargestMagnitude(Vector512<float> lo, Vector512<float> hi)
    {
        Vector512<int> magnitude = Vector512.Create(int.MaxValue);
        Vector512<int> of16 = Vector512.Max(lo.AsInt32() & magnitude, hi.AsInt32() & magnitude);
        Vector256<int> of8 = Vector256.Max(of16.GetLower(), of16.GetUpper());
        Vector128<int> of4 = Vector128.Max(of8.GetLower(), of8.GetUpper());
        int of2 = Math.Max(Math.Max(of4.GetElement(0), of4.GetElement(1)), Math.Max(of4.GetElement(2), of4.GetElement(3)));
        return BitConverter.Int32BitsToSingle(of2);
    }
}
