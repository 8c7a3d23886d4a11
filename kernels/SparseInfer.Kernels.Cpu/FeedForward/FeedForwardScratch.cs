using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What one session's feed-forward needs beside the weights: a slot for each worker, and a partial sum for each slice of neurons. Allocated
/// once.
/// </summary>
public sealed class FeedForwardScratch : IDisposable
{
    private readonly FeedForwardSlot[] _slots;
    private readonly NativeBuffer _partials;

    /// <summary>Allocates the slots and the partial sums.</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="paddedHidden">Width of the input and of the output, padded.</param>
    /// <param name="slices">The layer's neurons, which workers share in whole slices.</param>
    /// <param name="sideWords">64-bit words that a policy derives from the input.</param>
    public FeedForwardScratch(int workers, int paddedHidden, NeuronSlices slices, int sideWords)
    {
        Slices = slices;
        PaddedHidden = paddedHidden;
        _partials = NativeBuffer.Allocate((long)slices.Count * paddedHidden * sizeof(float));
        _slots = new FeedForwardSlot[workers];
        for (int i = 0; i < workers; i++)
        {
            (int from, int to) = Neurons(i);
            _slots[i] = new FeedForwardSlot(paddedHidden, to - from, sideWords);
        }
    }

    /// <summary>Number of workers.</summary>
    public int Workers => _slots.Length;

    /// <summary>How the neurons are divided.</summary>
    public NeuronSlices Slices { get; }

    /// <summary>Width of a partial sum.</summary>
    public int PaddedHidden { get; }

    /// <summary>A worker's neurons: those of its slices.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public (int From, int To) Neurons(int worker)
    {
        (int from, int to) = Slices.OfWorker(Workers, worker);
        return (Slices.First(from), Slices.First(to));
    }

    /// <summary>What a slice's neurons add to the output, column 0 first.</summary>
    /// <param name="slice">Which slice.</param>
    public ref float Partial(int slice) => ref Unsafe.Add(ref _partials.Ref<float>(), slice * (nint)PaddedHidden);

    /// <summary>A worker's slot.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public FeedForwardSlot this[int worker] => _slots[worker];

    /// <summary>Frees the slots.</summary>
    public void Dispose()
    {
        foreach (FeedForwardSlot slot in _slots)
        {
            slot.Dispose();
        }

        _partials.Dispose();
    }
}

/// <summary>
/// One worker's input and its list of active neurons, in ascending order. Lists have room for <see cref="ListPadding"/> more
/// entries than neurons, because rows are read in groups of four and a group's last neuron is repeated to fill it.
/// </summary>
public sealed class FeedForwardSlot : IDisposable
{
    /// <summary>Entries behind the end of a list that may be read and written: the rest of one group and the whole next one.</summary>
    public const int ListPadding = 8;

    private readonly NativeBuffer _input;
    private readonly NativeBuffer _side;
    private readonly NativeBuffer _candidates;
    private readonly NativeBuffer _active;
    private readonly NativeBuffer _values;

    internal FeedForwardSlot(int paddedHidden, int neurons, int sideWords)
    {
        _input = NativeBuffer.Allocate(paddedHidden * (long)sizeof(float));
        _side = NativeBuffer.Allocate(Math.Max(1, sideWords) * (long)sizeof(ulong));
        _candidates = NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(int));
        _active = NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(int));
        _values = NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(float));
    }

    /// <summary>The layer's input after the norm, padded with zeros; kernels fold it in place.</summary>
    public ref float Input => ref _input.Ref<float>();

    /// <summary>What a policy derives from the input.</summary>
    public ref ulong Side => ref _side.Ref<ulong>();

    /// <summary>Neurons of the current block that a predictor lets through.</summary>
    public ref int Candidates => ref _candidates.Ref<int>();

    /// <summary>Neurons that contribute to the output.</summary>
    public ref int Active => ref _active.Ref<int>();

    /// <summary>What each active neuron's row of down is multiplied by.</summary>
    public ref float Values => ref _values.Ref<float>();

    /// <summary>Number of active neurons.</summary>
    public int Count { get; set; }

    /// <summary>The active neurons.</summary>
    public ReadOnlySpan<int> ActiveNeurons => MemoryMarshal.CreateReadOnlySpan(ref Active, Count);

    /// <summary>Their values.</summary>
    public ReadOnlySpan<float> ActiveValues => MemoryMarshal.CreateReadOnlySpan(ref Values, Count);

    /// <summary>Repeats a list's last entry behind its end, so that groups of four can be read without a test.</summary>
    /// <param name="list">The list's first entry.</param>
    /// <param name="count">Its length; an empty list is left alone.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pad(ref int list, int count)
    {
        if (count > 0)
        {
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref list, count), ListPadding).Fill(Unsafe.Add(ref list, count - 1));
        }
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        _input.Dispose();
        _side.Dispose();
        _candidates.Dispose();
        _active.Dispose();
        _values.Dispose();
    }
}
