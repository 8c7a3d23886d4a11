namespace SparseInfer.Cli.Calibrate;

/// <summary>What the dense model computed of one token in one layer.</summary>
/// <param name="Input">What gate and up read, or else the residual stream, [hidden].</param>
/// <param name="Neurons">What down read, [intermediate].</param>
/// <param name="ResidualNorm">Norm of the residual stream before the feed-forward.</param>
internal sealed record TokenSample(float[] Input, float[] Neurons, float ResidualNorm);

/// <summary>Keeps what the dense model computes of some tokens of a window.</summary>
/// <param name="layers">Layers of the model.</param>
/// <param name="positions">Which tokens, ascending.</param>
/// <param name="input">What is kept as their input.</param>
internal sealed class WindowSamples(int layers, int[] positions, ObservedActivation input = ObservedActivation.FeedForwardInput) : IActivationObserver
{
    private readonly TokenSample[][] _samples = [.. Enumerable.Range(0, layers).Select(_ => new TokenSample[positions.Length])];
    private float _norm;
    private float[] _input = [];

    /// <summary>By layer, then by token.</summary>
    public IReadOnlyList<TokenSample[]> Samples => _samples;

    /// <inheritdoc/>
    public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
    {
        int index = Array.BinarySearch(positions, position);
        if (index < 0)
        {
            return;
        }

        if (activation == input)
        {
            _input = values.ToArray();
        }

        if (activation == ObservedActivation.Residual)
        {
            _norm = (float)Lanes.Norm(values);
        }
        else if (activation == ObservedActivation.Neurons)
        {
            _samples[layer][index] = new(_input, values.ToArray(), _norm);
        }
    }
}
