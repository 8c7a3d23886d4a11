namespace SparseInfer.Cli.Calibrate;

/// <summary>What the dense model computed of one token in one layer.</summary>
/// <param name="Input">What gate and up read, or else the residual stream, [hidden].</param>
/// <param name="Neurons">What down read, [intermediate]; of experts, [active experts x intermediate].</param>
/// <param name="ResidualNorm">Norm of the residual stream before the feed-forward.</param>
internal sealed record TokenSample(float[] Input, float[] Neurons, float ResidualNorm)
{
    /// <summary>The feed-forwards that computed it: one, or the experts that were chosen.</summary>
    public int[] Experts { get; init; } = [0];

    /// <summary>What their outputs are multiplied by.</summary>
    public float[] Weights { get; init; } = [1];

    /// <summary>What one of them had of it.</summary>
    /// <param name="i">Its place among <see cref="Experts"/>.</param>
    public ReadOnlySpan<float> NeuronsOf(int i) => Neurons.AsSpan(i * (Neurons.Length / Experts.Length), Neurons.Length / Experts.Length);
}

/// <summary>Keeps what the dense model computes of some tokens of a window.</summary>
/// <param name="layers">Layers of the model.</param>
/// <param name="positions">Which tokens, ascending.</param>
/// <param name="input">What is kept as their input.</param>
internal sealed class WindowSamples(int layers, int[] positions, ObservedActivation input = ObservedActivation.FeedForwardInput) : IActivationObserver
{
    private readonly TokenSample[][] _samples = [.. Enumerable.Range(0, layers).Select(_ => new TokenSample[positions.Length])];
    private float _norm;
    private float[] _input = [];
    private int[] _experts = [0];
    private float[] _weights = [1];

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

        switch (activation)
        {
            case ObservedActivation.Residual:
                _norm = (float)Lanes.Norm(values);
                break;
            case ObservedActivation.Experts:
                _experts = Array.ConvertAll(values.ToArray(), expert => (int)expert);
                break;
            case ObservedActivation.ExpertWeights:
                _weights = values.ToArray();
                break;
            case ObservedActivation.Neurons:
                _samples[layer][index] = new(_input, values.ToArray(), _norm) { Experts = _experts, Weights = _weights };
                break;
        }
    }
}
