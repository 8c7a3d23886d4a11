namespace SparseInfer.Cli.Calibrate;

/// <summary>Keeps what the dense model computes of some tokens of a window.</summary>
/// <param name="layers">Layers of the model.</param>
/// <param name="inputs">What is kept.</param>
/// <param name="positions">Which tokens, ascending.</param>
internal sealed class WindowChannels(int layers, IReadOnlyList<ChannelInput> inputs, int[] positions) : IActivationObserver
{
    private readonly List<float[]>[] _values = [.. Enumerable.Range(0, layers * inputs.Count).Select(_ => new List<float[]>())];

    /// <summary>Of an input in a layer: of each token, every channel.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">Its place among the inputs.</param>
    public IReadOnlyList<float[]> Of(int layer, int input) => _values[(layer * inputs.Count) + input];

    /// <inheritdoc/>
    public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
    {
        for (int input = 0; input < inputs.Count; input++)
        {
            if (inputs[input].Activation == activation && Array.BinarySearch(positions, position) >= 0)
            {
                _values[(layer * inputs.Count) + input].Add(values.ToArray());
            }
        }
    }
}
