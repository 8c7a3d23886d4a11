using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// Projections that are stored like down, a row for each input channel, so that channels which are left out are not read. Several projections of one
/// input share its list of channels; the outputs of each begin somewhere in the partial sums.
/// </content>
public static unsafe partial class OrderedDown
{
    /// <summary>Sums each of a worker's slices: rows of the channels that it keeps times their values.</summary>
    /// <param name="w">The matrix: a row for each channel, a column for each output.</param>
    /// <param name="scratch">The worker's list of channels, and where partial sums go.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="first">Where the matrix's outputs begin in a partial sum, a multiple of 32.</param>
    public static void AccumulateChannels<T>(in DownMatrix w, ChannelScratch scratch, int worker, int first)
        where T : IWeightArithmetic
    {
        ReadOnlySpan<int> kept = scratch.Kept(worker);
        ReadOnlySpan<float> values = scratch.Values(worker);
        (int slice, int end) = scratch.Slices.OfWorker(scratch.Workers, worker);
        for (; slice < end; slice++)
        {
            int count = CountBefore(kept, scratch.Slices.First(slice + 1));
            ref float partial = ref Unsafe.Add(ref scratch.Partial(slice), first);
            MemoryMarshal.CreateSpan(ref partial, w.PaddedColumns).Clear();
            Accumulate<T>(in w, kept, values[..count], ref partial, 0, w.PaddedColumns);
            kept = kept[count..];
            values = values[count..];
        }
    }

    /// <summary>A matrix's outputs in a range: the slices' partial sums, added in their order.</summary>
    /// <param name="scratch">Every worker's partial sums, complete.</param>
    /// <param name="first">Where the matrix's outputs begin in a partial sum.</param>
    /// <param name="y">The outputs, overwritten in the range; output 0 first.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the range.</param>
    public static void SumChannels(ChannelScratch scratch, int first, ref float y, int from, int to)
    {
        if (from >= to)
        {
            return;
        }

        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref scratch.Partial(0), first + from), to - from)
            .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, from), to - from));
        for (int slice = 1; slice < scratch.Slices.Count; slice++)
        {
            Elementwise.Add(ref y, ref Unsafe.Add(ref scratch.Partial(slice), first), from, to);
        }
    }
}
