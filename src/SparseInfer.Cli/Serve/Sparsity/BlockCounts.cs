namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>
/// Counts, of the token that is being decoded, the neurons of each block that add something to their layer's output. Outside of Dense, the others' rows of up
/// and down are not read.
/// </summary>
/// <param name="layers">Layers of the model.</param>
/// <param name="blocks">How their neurons are divided.</param>
internal sealed class BlockCounts(int layers, NeuronBlocks blocks) : IActivationObserver
{
    private readonly int[][] _active = [.. Enumerable.Range(0, layers).Select(_ => new int[blocks.Count])];
    private readonly int[]?[] _experts = new int[]?[layers];

    /// <inheritdoc/>
    public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
    {
        switch (activation)
        {
            case ObservedActivation.Neurons:
                for (int block = 0; block < blocks.Count; block++)
                {
                    ReadOnlySpan<float> part = values[blocks.First(block)..blocks.First(block + 1)];
                    _active[layer][block] = part.Length - part.Count(0f);
                }

                break;
            case ObservedActivation.Experts:
                _experts[layer] = Array.ConvertAll(values.ToArray(), expert => (int)expert);
                break;
        }
    }

    /// <summary>What a layer did for the last token.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="metrics">What was metered of it: of that token alone.</param>
    public LayerMap Read(int layer, LayerMetrics metrics)
    {
        double unread = double.IsNaN(metrics.PredictedSparsity) ? 0 : metrics.PredictedSparsity;
        double missed = double.IsNaN(metrics.Precision) ? 0 : unread * (1 - metrics.Precision);
        return new([.. _active[layer]], Count(unread), Count(missed), _experts[layer]);
    }

    private int Count(double share) => (int)Math.Round(share * blocks.Neurons);
}

/// <summary>What a layer did for a token.</summary>
/// <param name="Active">Of each block, the neurons that add something to the output.</param>
/// <param name="Unread">Neurons that a predictor skipped before any of their rows was read.</param>
/// <param name="Missed">Of these, the ones that would have added something.</param>
/// <param name="Experts">The experts that were chosen, in the order of their blocks; null: there are none.</param>
internal sealed record LayerMap(IReadOnlyList<int> Active, int Unread, int Missed, IReadOnlyList<int>? Experts);
