using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What one session's feed-forward needs beside the weights: a slot for each worker, and a partial sum for each slice of neurons. Allocated
/// once.
/// </summary>
public sealed class FeedForwardScratch : IDisposable
{
    private readonly FeedForwardSlot[] _slots;
    private readonly NativeBuffer _partials;
    private readonly NativeBuffer _squares;
    private readonly SliceMoments[] _moments;

    /// <summary>Allocates the slots and the partial sums.</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="paddedHidden">Width of the input and of the output, padded.</param>
    /// <param name="slices">The layer's neurons, which workers share in whole slices.</param>
    /// <param name="sideWords">64-bit words that a policy derives from the input.</param>
    public FeedForwardScratch(int workers, int paddedHidden, NeuronSlices slices, int sideWords)
        : this(workers, paddedHidden, slices, sideWords, null)
    {
    }

    // Workers' inputs, and what is derived from these, may be another's.
    internal FeedForwardScratch(int workers, int paddedHidden, NeuronSlices slices, int sideWords, FeedForwardScratch? inputsOf)
    {
        Slices = slices;
        PaddedHidden = paddedHidden;
        _partials = NativeBuffer.Allocate((long)slices.Count * paddedHidden * sizeof(float));
        _squares = NativeBuffer.Allocate(slices.Count * (long)sizeof(float));
        _moments = new SliceMoments[slices.Count];
        _slots = new FeedForwardSlot[workers];
        for (int i = 0; i < workers; i++)
        {
            (int from, int to) = Neurons(i);
            _slots[i] = new FeedForwardSlot(paddedHidden, to - from, sideWords, inputsOf?[i]);
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

    /// <summary>The sum of the squares of a slice's neurons, where these are normalised.</summary>
    /// <param name="slice">Which slice.</param>
    public ref float Squares(int slice) => ref Unsafe.Add(ref _squares.Ref<float>(), slice);

    /// <summary>How the gates of a slice's neurons are distributed, where these are cut.</summary>
    /// <param name="slice">Which slice.</param>
    internal ref SliceMoments Moments(int slice) => ref _moments[slice];

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
        _squares.Dispose();
    }
}
