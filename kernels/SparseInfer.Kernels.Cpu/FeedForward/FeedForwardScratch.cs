using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What a feed-forward needs beside the weights, for a token or for several together: of each token a slot for each worker, and a partial sum for
/// each slice of neurons. Allocated once.
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
    /// <param name="tokens">Most tokens together.</param>
    public FeedForwardScratch(int workers, int paddedHidden, NeuronSlices slices, int sideWords, int tokens = 1)
        : this(workers, paddedHidden, slices, sideWords, tokens, null)
    {
    }

    // Workers' inputs, and what is derived from these, may be another's.
    internal FeedForwardScratch(int workers, int paddedHidden, NeuronSlices slices, int sideWords, int tokens, FeedForwardScratch? inputsOf)
    {
        Workers = workers;
        Tokens = tokens;
        Slices = slices;
        PaddedHidden = paddedHidden;
        _partials = NativeBuffer.Allocate((long)tokens * slices.Count * paddedHidden * sizeof(float));
        _squares = NativeBuffer.Allocate(tokens * slices.Count * (long)sizeof(float));
        _moments = new SliceMoments[tokens * slices.Count];
        _slots = new FeedForwardSlot[workers * tokens];
        for (int i = 0; i < _slots.Length; i++)
        {
            (int from, int to) = Neurons(i / tokens);
            _slots[i] = new FeedForwardSlot(paddedHidden, to - from, sideWords, inputsOf?._slots[i]);
        }
    }

    /// <summary>Number of workers.</summary>
    public int Workers { get; }

    /// <summary>Most tokens together.</summary>
    public int Tokens { get; }

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

    /// <summary>What a slice's neurons add to a token's output, column 0 first.</summary>
    /// <param name="slice">Which slice.</param>
    /// <param name="token">Which of the tokens.</param>
    public ref float Partial(int slice, int token = 0) =>
        ref Unsafe.Add(ref _partials.Ref<float>(), ((token * Slices.Count) + slice) * (nint)PaddedHidden);

    /// <summary>The sum of the squares of a slice's neurons for a token, where these are normalised.</summary>
    /// <param name="slice">Which slice.</param>
    /// <param name="token">Which of the tokens.</param>
    public ref float Squares(int slice, int token = 0) => ref Unsafe.Add(ref _squares.Ref<float>(), (token * Slices.Count) + slice);

    /// <summary>How a token's gates are distributed in each slice, where these are cut.</summary>
    /// <param name="token">Which of the tokens.</param>
    internal Span<SliceMoments> Moments(int token) => _moments.AsSpan(token * Slices.Count, Slices.Count);

    /// <summary>A worker's slot, the first token's where there are several.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public FeedForwardSlot this[int worker] => _slots[worker * Tokens];

    /// <summary>A worker's slot of a token.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    /// <param name="token">0 to <see cref="Tokens"/> - 1.</param>
    public FeedForwardSlot this[int worker, int token] => _slots[(worker * Tokens) + token];

    /// <summary>A worker's slots, one for each of some tokens.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    /// <param name="tokens">How many tokens, at most <see cref="Tokens"/>.</param>
    public ReadOnlySpan<FeedForwardSlot> Slots(int worker, int tokens) => _slots.AsSpan(worker * Tokens, tokens);

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
