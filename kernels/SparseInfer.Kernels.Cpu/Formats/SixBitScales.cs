using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What <see cref="Q4_K"/> and <see cref="Q5_K"/> have in common: eight scales and eight minima of six bits in 12 bytes. The first four scales are the
/// lower six bits of bytes 0 to 3, the first four minima those of bytes 4 to 7. Of the others bytes 8 to 11 have the lower four bits, a scale's
/// below a minimum's, and the upper two bits of bytes 0 to 3 and 4 to 7 the rest.
/// </summary>
internal static unsafe class SixBitScales
{
    public const int Bytes = 12;

    private const int Largest = 63;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Scale(byte* bytes, nint stride, int part) => part < 4
        ? bytes[part * stride] & 63
        : (bytes[(part + 4) * stride] & 15) | (bytes[(part - 4) * stride] >> 6 << 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Minimum(byte* bytes, nint stride, int part) => part < 4
        ? bytes[(part + 4) * stride] & 63
        : (bytes[(part + 4) * stride] >> 4) | (bytes[part * stride] >> 6 << 4);

    /// <summary>The scales of 32 columns of a down matrix, which has a row for each of the 12 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> LoadScales(byte* bytes, nint stride, int part) => (part < 4
        ? Vector256.Load(bytes + (part * stride)) & Vector256.Create((byte)63)
        : (Vector256.Load(bytes + ((part + 4) * stride)) & Vector256.Create((byte)15)) | UpperTwo(bytes + ((part - 4) * stride))).AsSByte();

    /// <summary>Their minima.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> LoadMinima(byte* bytes, nint stride, int part) => (part < 4
        ? Vector256.Load(bytes + ((part + 4) * stride)) & Vector256.Create((byte)63)
        : ((Vector256.Load(bytes + ((part + 4) * stride)).AsUInt16() >>> 4).AsByte() & Vector256.Create((byte)15))
            | UpperTwo(bytes + (part * stride))).AsSByte();

    /// <summary>Encodes a block up to its quants: two halves and 12 bytes.</summary>
    /// <param name="values">256 values.</param>
    /// <param name="bytes">The block's first bytes.</param>
    /// <param name="quants">Gets the quants.</param>
    /// <param name="largest">The largest quant.</param>
    public static void Encode(ReadOnlySpan<float> values, Span<byte> bytes, Span<byte> quants, int largest)
    {
        Span<float> scales = stackalloc float[8];
        Span<float> minima = stackalloc float[8];
        for (int part = 0; part < 8; part++)
        {
            (scales[part], minima[part]) = QuantFit.Affine(values.Slice(part * 32, 32), largest);
        }

        Half scaleHalf = Halve(scales);
        Half minimumHalf = Halve(minima);
        MemoryMarshal.Write(bytes, scaleHalf);
        MemoryMarshal.Write(bytes[2..], minimumHalf);
        Span<byte> packed = bytes.Slice(4, Bytes);
        packed.Clear();
        for (int part = 0; part < 8; part++)
        {
            int scale = Integer(scales[part], scaleHalf);
            int minimum = Integer(minima[part], minimumHalf);
            if (part < 4)
            {
                packed[part] |= (byte)scale;
                packed[part + 4] |= (byte)minimum;
            }
            else
            {
                packed[part + 4] = (byte)((scale & 15) | (minimum << 4));
                packed[part - 4] |= (byte)(scale >> 4 << 6);
                packed[part] |= (byte)(minimum >> 4 << 6);
            }

            float step = (float)scaleHalf * scale;
            float below = (float)minimumHalf * minimum;
            for (int k = part * 32; k < (part + 1) * 32; k++)
            {
                quants[k] = (byte)(step == 0 ? 0 : Math.Clamp((int)MathF.Round((values[k] + below) / step), 0, largest));
            }
        }
    }

    /// <summary>The half that makes the largest of some factors the largest integer.</summary>
    private static Half Halve(ReadOnlySpan<float> factors)
    {
        float largest = 0;
        foreach (float factor in factors)
        {
            largest = MathF.Max(largest, factor);
        }

        return (Half)(largest / Largest);
    }

    /// <summary>The upper two bits of 32 bytes, where the upper two of six are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> UpperTwo(byte* bytes) =>
        (Vector256.Load(bytes).AsUInt16() >>> 2).AsByte() & Vector256.Create((byte)0x30);

    private static int Integer(float factor, Half half) =>
        half == (Half)0 ? 0 : Math.Clamp((int)MathF.Round(factor / (float)half), 0, Largest);
}
