namespace Rwkv;

/// <summary>The few operations on vectors that a time mix is made of.</summary>
internal static class Vectors
{
    /// <summary>A matrix, [outputs x inputs], times a vector.</summary>
    public static float[] Multiply(float[] matrix, float[] x)
    {
        float[] y = new float[matrix.Length / x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            for (int j = 0; j < x.Length; j++)
            {
                y[i] += matrix[(i * x.Length) + j] * x[j];
            }
        }

        return y;
    }

    /// <summary>A vector times a matrix, [inputs x outputs], as RWKV stores the small ones.</summary>
    public static float[] Multiply(ReadOnlySpan<float> x, float[] matrix)
    {
        float[] y = new float[matrix.Length / x.Length];
        for (int j = 0; j < x.Length; j++)
        {
            for (int i = 0; i < y.Length; i++)
            {
                y[i] += x[j] * matrix[(j * y.Length) + i];
            }
        }

        return y;
    }

    /// <summary>Each group of elements with mean 0 and variance 1, times a weight, plus a bias.</summary>
    /// <param name="x">The input.</param>
    /// <param name="weight">A factor for each element.</param>
    /// <param name="bias">A term for each element.</param>
    /// <param name="groups">1: LayerNorm.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static float[] Norm(float[] x, float[] weight, float[] bias, int groups = 1, float epsilon = 1e-5f)
    {
        float[] y = new float[x.Length];
        int size = x.Length / groups;
        for (int first = 0; first < x.Length; first += size)
        {
            float mean = x.AsSpan(first, size).ToArray().Average();
            float variance = x.AsSpan(first, size).ToArray().Average(value => (value - mean) * (value - mean));
            for (int i = first; i < first + size; i++)
            {
                y[i] = ((x[i] - mean) / MathF.Sqrt(variance + epsilon) * weight[i]) + bias[i];
            }
        }

        return y;
    }

    /// <summary>Token shift: each element between this token's and the one before's.</summary>
    public static float[] Mix(float[] x, float[] before, float[] share) => [.. x.Select((value, i) => value + ((before[i] - value) * share[i]))];

    public static float[] Add(params ReadOnlySpan<float[]> terms)
    {
        float[] sum = new float[terms[0].Length];
        foreach (float[] term in terms)
        {
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += term[i];
            }
        }

        return sum;
    }

    public static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
}
