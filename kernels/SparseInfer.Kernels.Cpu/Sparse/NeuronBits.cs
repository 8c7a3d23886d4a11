using System.Numerics;
using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Which neurons are chosen, a bit for each, 32 a word: bit i % 32 of word i / 32.</summary>
public static class NeuronBits
{
    /// <summary>Neurons of a word.</summary>
    public const int WordNeurons = 32;

    /// <summary>Values of a digit of 11 bits; a key has five of them and one of 9.</summary>
    private const int Digit = 1 << 11;

    /// <summary>Sets the bits of the neurons with the largest sums, and no others. Of equal sums the first are taken: the answer is exact.</summary>
    /// <param name="sums">The first neuron's; none is negative or no number.</param>
    /// <param name="neurons">How many neurons there are.</param>
    /// <param name="count">How many are chosen, 1 to <paramref name="neurons"/>.</param>
    /// <param name="words">The first of as many words as neurons need; bits behind the last neuron become 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ChooseLargest(ref readonly double sums, int neurons, int count, ref uint words)
    {
        ref double first = ref Unsafe.AsRef(in sums);
        Span<int> counts = stackalloc int[Digit];
        ulong limit = 0;
        int left = count;
        foreach (byte shift in (ReadOnlySpan<byte>)[53, 42, 31, 20, 9, 0])
        {
            int digits = shift == 0 ? Digit / 4 : Digit;

            // Keys that begin as the limit does, by their next digit.
            counts.Clear();
            for (int i = 0; i < neurons; i++)
            {
                ulong digit = (Key(Unsafe.Add(ref first, i)) ^ limit) >> shift;
                if (digit < (uint)digits)
                {
                    counts[(int)digit]++;
                }
            }

            int value = digits - 1;
            for (; counts[value] < left; value--)
            {
                left -= counts[value];
            }

            limit |= (ulong)value << shift;
        }

        for (int i = 0; i < neurons; i += WordNeurons)
        {
            uint word = 0;
            for (int bit = 0; bit < WordNeurons && i + bit < neurons; bit++)
            {
                ulong key = Key(Unsafe.Add(ref first, i + bit));
                bool isChosen = key > limit || (key == limit && left > 0);
                left -= key == limit ? 1 : 0;
                word |= isChosen ? 1u << bit : 0;
            }

            Unsafe.Add(ref words, i / WordNeurons) = word;
        }
    }

    /// <summary>Lists the neurons of a range whose bits are set, ascending.</summary>
    /// <param name="words">Where the bit of the range's first neuron is the first.</param>
    /// <param name="neuron">The range's first neuron.</param>
    /// <param name="count">Neurons of the range.</param>
    /// <param name="list">Where they go; there is room for all.</param>
    /// <returns>How many there are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int List(ref readonly uint words, int neuron, int count, ref int list)
    {
        int listed = 0;
        for (int i = 0; i < count; i += WordNeurons)
        {
            uint word = Unsafe.Add(ref Unsafe.AsRef(in words), i / WordNeurons);
            word &= count - i < WordNeurons ? (1u << (count - i)) - 1 : uint.MaxValue;
            for (; word != 0; word &= word - 1)
            {
                Unsafe.Add(ref list, listed++) = neuron + i + BitOperations.TrailingZeroCount(word);
            }
        }

        return listed;
    }

    /// <summary>An integer that is larger where a sum is; sums are not negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(double sum) => BitConverter.DoubleToUInt64Bits(sum);
}
