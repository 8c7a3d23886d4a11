using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How an input is quantized for <see cref="BlockDot"/>, once for all rows, in the room of its floats. Each block of 32 elements gets the scale
/// that its largest magnitude asks for; scales carry the 2^112 that the weights' folded ones lack.
/// </summary>
internal static unsafe class QuantizedInput
{
    /// <summary>Bytes of a block of 16-bit elements: 32 of them, the scale, and room to the next multiple of 32.</summary>
    public const int SixteenBitBlock = 96;

    /// <summary>Bytes of a pair of blocks of 8-bit elements, as the offsets below divide them.</summary>
    public const int EightBitPair = 128;

    /// <summary>
    /// -8 times the sum of the first block's elements, scaled, four times; then the second's. Before it: elements 0-15 of both blocks, then
    /// elements 16-31 of both.
    /// </summary>
    public const int EightBitExcess = 64;

    /// <summary>The first block's scale four times, then the second's.</summary>
    public const int EightBitScales = 96;

    /// <summary>Bytes of 256 elements of 8 bits, as the offsets below divide them: first the elements.</summary>
    public const int SuperBlock = 320;

    /// <summary>Sums, of 16 bits, of the first 16 elements of every 32, then of the other 16 of every 32.</summary>
    public const int SuperBlockSums = 256;

    /// <summary>The scale.</summary>
    public const int SuperBlockStep = 288;

    /// <summary>Below this a block counts as zero: its inverse scale would not be finite.</summary>
    public const float Smallest = 1e-30f;

    /// <summary>
    /// What a block's sum before its weights' scale, 32 quants of up to 15 times the input, may exceed the input's largest element by.
    /// </summary>
    private const float Headroom = 1024;

    /// <summary>
    /// To 16 bits, for weights of eight: with steps of a 32,767th of the block's largest element, rounding is lost beside the weights' own. A block's sum
    /// of products fits an integer of 32 bits (<see cref="Q8Dot"/>).
    /// </summary>
    /// <returns>The power of two by which every dot product is to be multiplied.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ToSixteenBits(ref readonly float x, ref float prepared, int paddedColumns)
    {
        float undo = InputPreparation.Excess(in x, paddedColumns, out float fold);
        fixed (float* source = &x, destination = &prepared)
        {
            byte* block = (byte*)destination;
            for (int column = 0; column < paddedColumns; column += 32, block += SixteenBitBlock)
            {
                Vector512<float> lo = Vector512.Load(source + column);
                Vector512<float> hi = Vector512.Load(source + column + 16);
                float step = Quantize(lo, hi, 32767, out Vector512<int> lower, out Vector512<int> upper);
                Vector512.Narrow(lower, upper).Store((short*)block);
                *(float*)(block + 64) = step * fold;
            }
        }

        return undo;
    }

    /// <summary>To 8 bits, for weights of four: products of two bytes are what processors multiply and add fastest.</summary>
    /// <returns>The power of two by which every dot product is to be multiplied.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ToEightBits(ref readonly float x, ref float prepared, int paddedColumns)
    {
        float undo = InputPreparation.Excess(in x, paddedColumns, out float fold) * Headroom;
        fold /= Headroom;
        fixed (float* source = &x, destination = &prepared)
        {
            byte* pair = (byte*)destination;
            for (int column = 0; column < paddedColumns; column += 64, pair += EightBitPair)
            {
                // In place, a pair is written over what it was read from: all reads come first.
                Vector512<float> lo = Vector512.Load(source + column);
                Vector512<float> hi = Vector512.Load(source + column + 16);
                bool alone = column + 32 == paddedColumns;
                Vector512<float> secondLo = alone ? Vector512<float>.Zero : Vector512.Load(source + column + 32);
                Vector512<float> secondHi = alone ? Vector512<float>.Zero : Vector512.Load(source + column + 48);
                StoreEightBits(lo, hi, fold, pair, 0);
                StoreEightBits(secondLo, secondHi, fold, pair, 1);
            }
        }

        return undo;
    }

    /// <summary>To 8 bits with one scale for 256 elements, as ggml has it: what their block's integer scales make of them is one integer.</summary>
    /// <returns>The power of two by which every dot product is to be multiplied.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ToSuperBlocks(ref readonly float x, ref float prepared, int paddedColumns)
    {
        float undo = InputPreparation.Excess(in x, paddedColumns, out float fold);
        fixed (float* source = &x, destination = &prepared)
        {
            byte* block = (byte*)destination;
            for (int column = 0; column < paddedColumns; column += 256, block += SuperBlock)
            {
                StoreSuperBlock(source + column, fold, block);
            }
        }

        return undo;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreSuperBlock(float* source, float fold, byte* block)
    {
        Vector512<float> magnitudes = Vector512<float>.Zero;
        for (int k = 0; k < 256; k += 16)
        {
            magnitudes = Vector512.Max(magnitudes, Vector512.Abs(Vector512.Load(source + k)));
        }

        float largest = Largest(magnitudes);
        float step = largest < Smallest ? 0 : largest / 127;
        Vector512<float> inverse = Vector512.Create(step == 0 ? 0 : 127 / largest);
        short* sums = stackalloc short[16];

        // In place, what is written never reaches what is still to be read: bytes come out of floats in their order, sums and step last.
        for (int part = 0; part < 8; part++)
        {
            Vector512<float> lo = Vector512.Load(source + (part * 32)) * inverse;
            Vector512<float> hi = Vector512.Load(source + (part * 32) + 16) * inverse;
            Vector512<int> lower = Vector512.ConvertToInt32(Vector512.Round(lo));
            Vector512<int> upper = Vector512.ConvertToInt32(Vector512.Round(hi));
            Bytes(lower, upper).Store((sbyte*)block + (part * 32));
            sums[part] = (short)Vector512.Sum(lower);
            sums[part + 8] = (short)Vector512.Sum(upper);
        }

        Vector256.Load(sums).Store((short*)(block + SuperBlockSums));
        *(float*)(block + SuperBlockStep) = step * fold;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreEightBits(Vector512<float> lo, Vector512<float> hi, float fold, byte* pair, int index)
    {
        float step = Quantize(lo, hi, 127, out Vector512<int> lower, out Vector512<int> upper) * fold;
        Vector256<sbyte> bytes = Bytes(lower, upper);
        bytes.GetLower().Store((sbyte*)pair + (16 * index));
        bytes.GetUpper().Store((sbyte*)pair + 32 + (16 * index));
        int sum = Vector512.Sum(lower) + Vector512.Sum(upper);
        Vector128.Create(-8 * sum * step).Store((float*)(pair + EightBitExcess) + (4 * index));
        Vector128.Create(step).Store((float*)(pair + EightBitScales) + (4 * index));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Bytes(Vector512<int> lower, Vector512<int> upper)
    {
        Vector512<short> words = Vector512.Narrow(lower, upper);
        return Vector256.Narrow(words.GetLower(), words.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> magnitudes)
    {
        Vector256<float> half = Vector256.Max(magnitudes.GetLower(), magnitudes.GetUpper());
        Vector128<float> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(
            MathF.Max(quarter.GetElement(0), quarter.GetElement(1)), MathF.Max(quarter.GetElement(2), quarter.GetElement(3)));
    }

    /// <summary>Rounds 32 elements to multiples of a step, to nearest, ties to even; returns the step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Quantize(Vector512<float> lo, Vector512<float> hi, float range, out Vector512<int> lower, out Vector512<int> upper)
    {
        float largest = Largest(Vector512.Max(Vector512.Abs(lo), Vector512.Abs(hi)));
        if (largest < Smallest)
        {
            lower = Vector512<int>.Zero;
            upper = Vector512<int>.Zero;
            return 0;
        }

        Vector512<float> inverse = Vector512.Create(range / largest);
        lower = Vector512.ConvertToInt32(Vector512.Round(lo * inverse));
        upper = Vector512.ConvertToInt32(Vector512.Round(hi * inverse));
        return largest / range;
    }
}
