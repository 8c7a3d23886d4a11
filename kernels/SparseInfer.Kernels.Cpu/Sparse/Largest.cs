using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Which of some scores are the largest: a radix selection on the scores' bits, so that the answer is exact and the same for any number of workers.
/// </summary>
public static class Largest
{
    /// <summary>Values of a digit of 11 bits; a key has two of them and one of 10.</summary>
    private const int Digit = 1 << 11;

    /// <summary>Marks the <paramref name="count"/> largest scores: 0 where a score is one, -1 where not. Of equal scores the first are taken.</summary>
    /// <param name="scores">The first of all; -0 equals 0, and NaN is larger than anything.</param>
    /// <param name="length">How many there are.</param>
    /// <param name="count">How many are taken, 1 to <paramref name="length"/>.</param>
    /// <param name="kept">Where the answer for the first goes.</param>
    /// <param name="from">The first that is answered for: each worker finds the limit for itself, and marks its own.</param>
    /// <param name="to">The end of these.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Keep(ref readonly float scores, int length, int count, ref float kept, int from, int to)
    {
        (uint limit, int last) = Limit(in scores, length, count);
        for (int i = from; i < to; i++)
        {
            uint key = Key(Unsafe.Add(ref Unsafe.AsRef(in scores), i));
            Unsafe.Add(ref kept, i) = key > limit || (key == limit && i <= last) ? 0f : -1f;
        }
    }

    /// <summary>The key of the smallest score that is taken, and the last index at which that key is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (uint Limit, int Last) Limit(ref readonly float scores, int length, int count)
    {
        ref float first = ref Unsafe.AsRef(in scores);
        Span<int> counts = stackalloc int[Digit];
        uint limit = 0;
        foreach (byte shift in (ReadOnlySpan<byte>)[21, 10, 0])
        {
            int digits = shift == 0 ? Digit / 2 : Digit;

            // Keys that begin as the limit does, by their next digit.
            counts.Clear();
            for (int i = 0; i < length; i++)
            {
                uint digit = (Key(Unsafe.Add(ref first, i)) ^ limit) >> shift;
                if (digit < digits)
                {
                    counts[(int)digit]++;
                }
            }

            int value = digits - 1;
            for (; counts[value] < count; value--)
            {
                count -= counts[value];
            }

            limit |= (uint)value << shift;
        }

        int last = -1;
        for (int taken = 0; taken < count;)
        {
            last++;
            taken += Key(Unsafe.Add(ref first, last)) == limit ? 1 : 0;
        }

        return (limit, last);
    }

    /// <summary>An integer that is larger where a score is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Key(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f); // -0 becomes 0
        return float.IsNaN(score) ? uint.MaxValue : (bits & 0x80000000) == 0 ? bits | 0x80000000 : ~bits;
    }
}
