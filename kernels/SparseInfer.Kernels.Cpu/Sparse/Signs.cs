using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Packs IEEE sign bits, 32 to a 32-bit word, the first element's in the lowest bit. Negative zero counts as negative.</summary>
public static class Signs
{
    /// <summary>64-bit words that hold so many signs.</summary>
    /// <param name="columns">Number of signs.</param>
    public static int WordsPerRow(int columns) => (columns + 63) >>> 6;

    /// <summary>Packs the signs of an input vector; bits beyond its width are zero.</summary>
    /// <param name="x">The input, readable up to its padded width.</param>
    /// <param name="words">Room for <see cref="WordsPerRow"/> words.</param>
    /// <param name="columns">Width of the input.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pack(ref readonly float x, ref ulong words, int columns) =>
        Pack<F32>(ref Unsafe.As<float, byte>(ref Unsafe.AsRef(in x)), ref words, columns);

    /// <summary>
    /// Packs the signs of a row of weights. Folding keeps signs; a block format's product has the sign IEEE gives it, at zero too.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Pack<T>(ref byte row, ref ulong words, int columns)
        where T : IWeightFormat
    {
        int column = 0;
        for (; column <= columns - 64; column += 64)
        {
            words = Pack32<T>(ref row, column) | ((ulong)Pack32<T>(ref row, column + 32) << 32);
            words = ref Unsafe.Add(ref words, 1);
        }

        int rest = columns - column;
        if (rest == 0)
        {
            return;
        }

        ulong signs = Pack32<T>(ref row, column);
        if (rest > 32)
        {
            signs |= (ulong)Pack32<T>(ref row, column + 32) << 32;
        }

        words = signs & ((1UL << rest) - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Pack32<T>(ref byte row, int column)
        where T : IWeightFormat
    {
        T.Load32(ref row, (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
        return (uint)lo.ExtractMostSignificantBits() | ((uint)hi.ExtractMostSignificantBits() << 16);
    }
}
