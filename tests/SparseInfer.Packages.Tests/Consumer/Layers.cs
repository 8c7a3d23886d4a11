using SparseInfer;

namespace Consumer;

/// <summary>A layer alone, with a predictor.</summary>
public static partial class Layers
{
    /// <summary>48 in, 80 neurons, 48 out.</summary>
    [FeedForward(Hidden = 48, Intermediate = 80)]
    [SignBitPredictor(Alpha = 1f)]
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel Mlp { get; }

    /// <summary>The largest difference between what the kernel computes on a device and what the words say, computed plainly.</summary>
    public static double Difference(Device device)
    {
        var random = new Random(1);
        float[] gate = Values(80 * 48), up = Values(80 * 48), down = Values(48 * 80), x = Values(48), y = new float[48];
        using FeedForwardKernel kernel = Mlp.New();
        kernel.Load(new FeedForwardWeights { Gate = gate, Up = up, Down = down }, device);
        kernel.Forward(x, y);

        var expected = new double[48];
        for (int neuron = 0; neuron < 80; neuron++)
        {
            ReadOnlySpan<float> row = gate.AsSpan(neuron * 48, 48);
            int disagreeing = 0;
            for (int k = 0; k < 48; k++)
            {
                disagreeing += float.IsNegative(row[k]) != float.IsNegative(x[k]) ? 1 : 0;
            }

            double value = disagreeing > 24 ? 0 : Math.Max(0, Dot(row, x)) * Dot(up.AsSpan(neuron * 48, 48), x);
            for (int column = 0; column < 48; column++)
            {
                expected[column] += down[(column * 80) + neuron] * value;
            }
        }

        return expected.Zip(y, (a, b) => Math.Abs(a - b)).Max();

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int k = 0; k < a.Length; k++)
        {
            sum += (double)a[k] * b[k];
        }

        return sum;
    }
}
