using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <content>One token's product: every worker sums its slices over all columns; after a barrier, each adds up all slices for some columns.</content>
public static unsafe partial class OrderedDown
{
    /// <summary>Sums each of a worker's slices: its active neurons' rows times their values become the slice's partial sum.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="scratch">The worker's list of active neurons, and where partial sums go.</param>
    /// <param name="worker">The worker.</param>
    public static void AccumulateSlices<T>(in DownMatrix down, FeedForwardScratch scratch, int worker)
        where T : IWeightArithmetic
    {
        FeedForwardSlot slot = scratch[worker];
        ReadOnlySpan<int> active = slot.ActiveNeurons;
        ReadOnlySpan<float> h = slot.ActiveValues;
        (int slice, int end) = scratch.Slices.OfWorker(scratch.Workers, worker);
        for (; slice < end; slice++)
        {
            int count = active.BinarySearch(scratch.Slices.First(slice + 1));
            if (count < 0)
            {
                count = ~count;
            }

            ref float partial = ref scratch.Partial(slice);
            MemoryMarshal.CreateSpan(ref partial, scratch.PaddedHidden).Clear();
            Accumulate<T>(in down, active, h[..count], ref partial, 0, scratch.PaddedHidden);
            active = active[count..];
            h = h[count..];
        }
    }

    /// <summary>The output for a range of columns: the slices' partial sums, added in their order.</summary>
    /// <param name="scratch">Every worker's partial sums, complete.</param>
    /// <param name="y">The output, overwritten in the range; column 0 first.</param>
    /// <param name="fromColumn">First column.</param>
    /// <param name="toColumn">End of the range: at most the padded width.</param>
    public static void SumSlices(FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn)
    {
        if (fromColumn >= toColumn)
        {
            return;
        }

        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref scratch.Partial(0), fromColumn), toColumn - fromColumn)
            .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, fromColumn), toColumn - fromColumn));
        for (int slice = 1; slice < scratch.Slices.Count; slice++)
        {
            Elementwise.Add(ref y, ref scratch.Partial(slice), fromColumn, toColumn);
        }
    }
}
