namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What one session's chosen experts need beside their weights: lists of active neurons and partial sums for each of them, so that all are
/// computed before workers wait for each other once. A worker's input is the same for all. Allocated once.
/// </summary>
public sealed class ExpertScratch : IDisposable
{
    private readonly FeedForwardScratch[] _scratches;

    /// <summary>Allocates everything.</summary>
    /// <param name="active">Experts that compute a token.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="paddedHidden">Width of the input and of the output, padded.</param>
    /// <param name="slices">An expert's neurons, which workers share in whole slices.</param>
    /// <param name="sideWords">64-bit words that a policy derives from the input.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="active"/> is not positive.</exception>
    public ExpertScratch(int active, int workers, int paddedHidden, NeuronSlices slices, int sideWords)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(active);
        _scratches = new FeedForwardScratch[active];
        for (int i = 0; i < active; i++)
        {
            _scratches[i] = new FeedForwardScratch(workers, paddedHidden, slices, sideWords, tokens: 1, i == 0 ? null : _scratches[0]);
        }
    }

    /// <summary>A chosen expert's slots and sums.</summary>
    /// <param name="i">0 to the number of active experts - 1.</param>
    public FeedForwardScratch this[int i] => _scratches[i];

    /// <summary>A worker's input, for all chosen experts.</summary>
    /// <param name="worker">The worker.</param>
    public ref float Input(int worker) => ref _scratches[0][worker].Input;

    /// <summary>A worker's room for an input as dot products want it.</summary>
    /// <param name="worker">The worker.</param>
    public ref float PreparedInput(int worker) => ref _scratches[0][worker].PreparedInput;

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (FeedForwardScratch scratch in _scratches)
        {
            scratch.Dispose();
        }
    }
}
