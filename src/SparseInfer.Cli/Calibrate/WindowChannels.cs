namespace SparseInfer.Cli.Calibrate;

/// <summary>Keeps magnitudes of what the dense model computes of some tokens of a window.</summary>
/// <param name="layers">Layers of the model.</param>
/// <param name="inputs">What is kept.</param>
/// <param name="positions">Which tokens, ascending.</param>
internal sealed class WindowChannels(int layers, IReadOnlyList<ChannelInput> inputs, int[] positions) : IActivationObserver
{
    private readonly List<float[]>[] _magnitudes = [.. Enumerable.Range(0, layers * inputs.Count).Select(_ => new List<float[]>())];

    /// <summary>Of an input in a layer: of each token, of each channel.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">Its place among the inputs.</param>
    public IEnumerable<float> Of(int layer, int input) => _magnitudes[(layer * inputs.Count) + input].SelectMany(token => token);

    /// <inheritdoc/>
    public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
    {
        for (int input = 0; input < inputs.Count; input++)
        {
            if (inputs[input].Activation == activation && Array.BinarySearch(positions, position) >= 0)
            {
                float[] magnitudes = values.ToArray();
                for (int i = 0; i < magnitudes.Length; i++)
                {
                    magnitudes[i] = Math.Abs(magnitudes[i]);
                }

                _magnitudes[(layer * inputs.Count) + input].Add(magnitudes);
            }
        }
    }
}
