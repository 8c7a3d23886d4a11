namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Random weights and inputs of a layer; the same for a case and a weight type on every machine.</summary>
internal sealed class LayerData
{
    private readonly Random _random;

    public LayerData(LayerCase layer, WeightType? type = null)
    {
        _random = new Random((layer.Hidden * 7919) + (layer.Intermediate * 31) + (int)layer.Activation);
        WeightType stored = type ?? layer.Weights;
        float scale = 1 / MathF.Sqrt(layer.Hidden);
        Gate = layer.Gated ? Matrix(stored, layer.Intermediate, layer.Hidden, scale) : null;
        Up = Matrix(stored, layer.Intermediate, layer.Hidden, scale);
        Down = Matrix(stored, layer.Hidden, layer.Intermediate, 1 / MathF.Sqrt(layer.Intermediate));
        GateBias = layer is { Gated: true, Biases: true } ? Values(layer.Intermediate, 0.5f) : null;
        UpBias = layer.Biases ? Values(layer.Intermediate, 0.5f) : null;
        DownBias = layer.Biases ? Values(layer.Hidden, 0.5f) : null;
        float[] large = Values(layer.Hidden, 1e5f);
        large[^1] = -131072f; // above 2^16, where an input times 2^112 would overflow
        Inputs =
        [
            ("ordinary", Values(layer.Hidden, 2f)),
            ("mostly zeros of both signs", Sparse(layer.Hidden)),
            ("large", large),
            ("nothing but zeros", new float[layer.Hidden]),
        ];
    }

    public StoredMatrix? Gate { get; }

    public StoredMatrix Up { get; }

    /// <summary>[Hidden x Intermediate], as files have it.</summary>
    public StoredMatrix Down { get; }

    public float[]? GateBias { get; }

    public float[]? UpBias { get; }

    public float[]? DownBias { get; }

    public IReadOnlyList<(string Name, float[] X)> Inputs { get; }

    public FeedForwardWeights Weights => new()
    {
        Gate = Gate?.Tensor,
        Up = Up.Tensor,
        Down = Down.Tensor,
        GateBias = GateBias,
        UpBias = UpBias,
        DownBias = DownBias,
    };

    private StoredMatrix Matrix(WeightType type, int rows, int columns, float scale)
    {
        float[] values = Values(rows * columns, scale);
        for (int i = 0; i < values.Length; i += 13)
        {
            values[i] = i % 2 == 0 ? 0f : -0f;
        }

        return StoredMatrix.Encode(type, values, columns);
    }

    private float[] Sparse(int length)
    {
        float[] values = Values(length, 2f);
        for (int i = 0; i < length; i++)
        {
            values[i] = _random.Next(4) switch { 0 => 0f, 1 => -0f, 2 => float.NegativeZero * values[i], _ => values[i] };
        }

        return values;
    }

    private float[] Values(int length, float largest)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = ((_random.NextSingle() * 2) - 1) * largest;
        }

        return values;
    }
}
