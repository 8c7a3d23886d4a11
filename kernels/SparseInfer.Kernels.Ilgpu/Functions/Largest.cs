using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Which of some scores are the largest: a radix selection on the scores' bits, by a group. What is added atomically is integers, so that the answer does
/// not depend on the order.
/// </summary>
public static class Largest
{
    /// <summary>Values of a digit: as many threads has the group.</summary>
    private const int Digit = 256;

    /// <summary>
    /// Marks the <paramref name="count"/> largest scores: 0 where a score is one, -1 where not. Of equal scores the first are taken. All 256 threads of a
    /// group come here.
    /// </summary>
    /// <param name="scores">The scores; -0 equals 0, and NaN is larger than anything.</param>
    /// <param name="start">Where the first is, and where its answer goes.</param>
    /// <param name="length">How many there are.</param>
    /// <param name="count">How many are taken, 1 to <paramref name="length"/>.</param>
    /// <param name="kept">Where the answers go.</param>
    public static void Keep(ArrayView<float> scores, int start, int length, int count, ArrayView<float> kept)
    {
        ArrayView<int> counts = SharedMemory.Allocate<int>(Digit);
        ArrayView<int> found = SharedMemory.Allocate<int>(3);
        int thread = Group.IdxX;
        uint limit = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            // Keys that begin as the limit does, by their next digit.
            counts[thread] = 0;
            Group.Barrier();
            for (int i = thread; i < length; i += Digit)
            {
                uint digit = (Key(scores[start + i]) ^ limit) >> shift;
                if (digit < Digit)
                {
                    Atomic.Add(ref counts[(int)digit], 1);
                }
            }

            Group.Barrier();
            int larger = 0;
            for (int other = thread + 1; other < Digit; other++)
            {
                larger += counts[other];
            }

            if (larger < count && larger + counts[thread] >= count)
            {
                found[0] = thread;
                found[1] = larger;
                found[2] = larger + counts[thread] - count; // how many are left over of those at the limit, in the end
            }

            Group.Barrier();
            limit |= (uint)found[0] << shift;
            count -= found[1];
        }

        int last = length - 1;
        if (found[2] > 0)
        {
            last = LastOfEquals(scores, start, length, limit, count, counts, found);
        }

        for (int i = thread; i < length; i += Digit)
        {
            uint key = Key(scores[start + i]);
            kept[start + i] = key > limit || (key == limit && i <= last) ? 0f : -1f;
        }
    }

    /// <summary>Of those at the limit, the first so many are taken: the index of the last one, by its digits.</summary>
    private static int LastOfEquals(
        ArrayView<float> scores, int start, int length, uint limit, int count, ArrayView<int> counts, ArrayView<int> found)
    {
        int thread = Group.IdxX;
        int last = 0;
        for (int shift = 16; shift >= 0; shift -= 8)
        {
            counts[thread] = 0;
            Group.Barrier();
            for (int i = thread; i < length; i += Digit)
            {
                int digit = (i ^ last) >> shift;
                if (digit < Digit && Key(scores[start + i]) == limit)
                {
                    Atomic.Add(ref counts[digit], 1);
                }
            }

            Group.Barrier();
            int earlier = 0;
            for (int other = 0; other < thread; other++)
            {
                earlier += counts[other];
            }

            if (earlier < count && earlier + counts[thread] >= count)
            {
                found[0] = thread;
                found[1] = earlier;
            }

            Group.Barrier();
            last |= found[0] << shift;
            count -= found[1];
        }

        return last;
    }

    /// <summary>An integer that is larger where a score is.</summary>
    private static uint Key(float score)
    {
        uint bits = score == 0f ? 0 : Interop.FloatAsInt(score);
        uint magnitude = bits & 0x7fffffff;
        return magnitude > 0x7f800000 ? 0xffffffff : bits == magnitude ? bits | 0x80000000 : ~bits;
    }
}
