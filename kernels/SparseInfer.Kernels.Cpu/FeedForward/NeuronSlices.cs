namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How a layer's neurons are divided for the down product: slices of whole blocks of 32, equal but for one block. Each column is summed
/// within every slice by ascending neuron, then over the slices in their order. The number of slices belongs to the shape, never to the number
/// of workers: so all numbers of workers add the same terms in the same order.
/// </summary>
/// <remarks>
/// Slices rather than ranges of columns, because a thread then reads whole rows: parts of rows, jumping over the other threads' parts, come
/// from memory a fifth slower.
/// </remarks>
public readonly struct NeuronSlices
{
    /// <summary>Divides neurons.</summary>
    /// <param name="neurons">Number of neurons.</param>
    /// <param name="count">Number of slices.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="neurons"/> is negative, or <paramref name="count"/> not positive.</exception>
    public NeuronSlices(int neurons, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(neurons);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Neurons = neurons;
        Count = count;
    }

    /// <summary>Number of neurons.</summary>
    public int Neurons { get; }

    /// <summary>Number of slices.</summary>
    public int Count { get; }

    /// <summary>A slice's first neuron; that of slice <see cref="Count"/> is behind the last.</summary>
    /// <param name="slice">0 to <see cref="Count"/>.</param>
    public int First(int slice) => WorkerGroup.Slice(Neurons, Count, slice, DownMatrix.BlockNeurons).From;

    /// <summary>The slices of a worker: they follow one another, and the next worker's follow them.</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="worker">Which of them.</param>
    public (int From, int To) OfWorker(int workers, int worker) => WorkerGroup.Slice(Count, workers, worker, 1);
}
