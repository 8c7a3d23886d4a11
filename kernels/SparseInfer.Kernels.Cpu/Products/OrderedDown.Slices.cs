using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// The products of a token, or of several together: every worker sums its slices over all columns; after a barrier, each adds up all slices for some
/// columns.
/// </content>
public static unsafe partial class OrderedDown
{
    /// <summary>Rows of neurons that several tokens add up before the next are read: they stay in the second-level cache meanwhile.</summary>
    private const int SharedBytes = 1 << 19;

    /// <summary>
    /// Sums each of a worker's slices: its active neurons' rows times their values become the slice's partial sum. With several tokens, each block
    /// of neurons is added to all of their sums before the next is read: a row comes from memory once, whoever wants it.
    /// </summary>
    /// <param name="down">The matrix.</param>
    /// <param name="scratch">The worker's lists of active neurons, and where partial sums go.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="tokens">How many tokens.</param>
    public static void AccumulateSlices<T>(in DownMatrix down, FeedForwardScratch scratch, int worker, int tokens = 1)
        where T : IWeightArithmetic
    {
        if (tokens == 1)
        {
            AccumulateOne<T>(in down, scratch, worker);
            return;
        }

        ReadOnlySpan<FeedForwardSlot> slots = scratch.Slots(worker, tokens);
        int block = Math.Max(DownMatrix.BlockNeurons, (int)(SharedBytes / down.NeuronBytes) & -DownMatrix.BlockNeurons);
        Span<int> done = stackalloc int[tokens];
        done.Clear();
        (int slice, int endSlice) = scratch.Slices.OfWorker(scratch.Workers, worker);
        for (; slice < endSlice; slice++)
        {
            int end = scratch.Slices.First(slice + 1);
            for (int token = 0; token < tokens; token++)
            {
                MemoryMarshal.CreateSpan(ref scratch.Partial(slice, token), scratch.PaddedHidden).Clear();
            }

            for (int neuron = scratch.Slices.First(slice); neuron < end; neuron += block)
            {
                int behind = Math.Min(neuron + block, end);
                for (int token = 0; token < tokens; token++)
                {
                    ReadOnlySpan<int> active = slots[token].ActiveNeurons[done[token]..];
                    int count = CountBefore(active, behind);
                    Accumulate<T>(
                        in down, active, slots[token].ActiveValues.Slice(done[token], count), ref scratch.Partial(slice, token), 0,
                        scratch.PaddedHidden);
                    done[token] += count;
                }
            }
        }
    }

    private static void AccumulateOne<T>(in DownMatrix down, FeedForwardScratch scratch, int worker)
        where T : IWeightArithmetic
    {
        FeedForwardSlot slot = scratch[worker];
        ReadOnlySpan<int> active = slot.ActiveNeurons;
        ReadOnlySpan<float> h = slot.ActiveValues;
        (int slice, int end) = scratch.Slices.OfWorker(scratch.Workers, worker);
        for (; slice < end; slice++)
        {
            int count = CountBefore(active, scratch.Slices.First(slice + 1));
            ref float partial = ref scratch.Partial(slice);
            MemoryMarshal.CreateSpan(ref partial, scratch.PaddedHidden).Clear();
            Accumulate<T>(in down, active, h[..count], ref partial, 0, scratch.PaddedHidden);
            active = active[count..];
            h = h[count..];
        }
    }

    /// <summary>Entries of an ascending list that are below a neuron.</summary>
    private static int CountBefore(ReadOnlySpan<int> active, int neuron)
    {
        int count = active.BinarySearch(neuron);
        return count < 0 ? ~count : count;
    }

    /// <summary>A token's output for a range of columns: the slices' partial sums, added in their order.</summary>
    /// <param name="scratch">Every worker's partial sums, complete.</param>
    /// <param name="y">The output, overwritten in the range; column 0 first.</param>
    /// <param name="fromColumn">First column.</param>
    /// <param name="toColumn">End of the range: at most the padded width.</param>
    /// <param name="token">Which of the tokens.</param>
    public static void SumSlices(FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn, int token = 0)
    {
        if (fromColumn >= toColumn)
        {
            return;
        }

        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref scratch.Partial(0, token), fromColumn), toColumn - fromColumn)
            .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, fromColumn), toColumn - fromColumn));
        for (int slice = 1; slice < scratch.Slices.Count; slice++)
        {
            Elementwise.Add(ref y, ref scratch.Partial(slice, token), fromColumn, toColumn);
        }
    }
}
