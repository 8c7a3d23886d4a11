namespace SparseInfer.Benchmarks;

/// <summary>
/// Weights and an input with which nine neurons of ten are inactive, and their signs say so: gate rows lean towards the input or away
/// from it. Real models are harder to predict; the figures are those of a kernel, not of a model.
/// </summary>
internal sealed class SparseLayer
{
    private const float Sparsity = 0.9f;

    public SparseLayer()
    {
        var random = new Random(1);
        X = Values(random, Layers.Hidden);
        Gate = Values(random, Layers.Hidden * Layers.Intermediate);
        for (int i = 0; i < Layers.Intermediate; i++)
        {
            float lean = random.NextSingle() < Sparsity ? -0.5f : 0.5f;
            for (int j = 0; j < Layers.Hidden; j++)
            {
                Gate[(i * Layers.Hidden) + j] += lean * X[j];
            }
        }

        Up = Values(random, Layers.Hidden * Layers.Intermediate);
        Down = Values(random, Layers.Hidden * Layers.Intermediate);
    }

    public float[] X { get; }

    /// <summary>[Intermediate x Hidden].</summary>
    public float[] Gate { get; }

    /// <summary>[Intermediate x Hidden].</summary>
    public float[] Up { get; }

    /// <summary>[Hidden x Intermediate].</summary>
    public float[] Down { get; }

    public FeedForwardWeights Weights => new() { Gate = Gate, Up = Up, Down = Down };

    private static float[] Values(Random random, int length)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (random.NextSingle() * 2) - 1;
        }

        return values;
    }
}
