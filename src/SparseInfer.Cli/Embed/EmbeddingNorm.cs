namespace SparseInfer.Cli.Embed;

/// <summary>What <c>--embd-normalize</c> scales vectors to: llama.cpp's numbers.</summary>
internal static class EmbeddingNorm
{
    public const int None = -1;

    /// <summary>The largest element becomes <see cref="Largest"/>, so that they fit in 16 bits.</summary>
    public const int Maximum = 0;

    public const int Euclidean = 2;

    private const double Largest = 32760;

    /// <summary>Scales a vector. One of zeros stays.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="norm">-1: it stays; 0: by its largest element; p: to length 1 in the p-norm.</param>
    public static float[] Apply(ReadOnlySpan<float> vector, int norm)
    {
        double length = norm switch { None => 1, Maximum => LargestOf(vector) / Largest, _ => LengthOf(vector, norm) };
        double scale = length > 0 ? 1 / length : 0;
        float[] scaled = new float[vector.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = (float)(vector[i] * scale);
        }

        return scaled;
    }

    /// <summary>The cosine of the angle between two vectors, as llama.cpp has it: of two zero vectors 1, of a zero vector and another 0.</summary>
    public static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0;
        for (int i = 0; i < a.Length; i++)
        {
            product += (double)a[i] * b[i];
        }

        (double ofA, double ofB) = (LengthOf(a, Euclidean), LengthOf(b, Euclidean));
        return ofA > 0 && ofB > 0 ? Math.Clamp(product / (ofA * ofB), -1, 1) : ofA == ofB ? 1 : 0; // rounding goes beyond
    }

    private static double LargestOf(ReadOnlySpan<float> vector)
    {
        float largest = 0;
        foreach (float value in vector)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }

    private static double LengthOf(ReadOnlySpan<float> vector, int norm)
    {
        // High powers of small elements are 0, and of large ones infinite: of elements of 1 at most there is always a sum.
        double largest = norm == Euclidean ? 1 : LargestOf(vector);
        if (largest == 0)
        {
            return 0;
        }

        double sum = 0;
        foreach (float value in vector)
        {
            sum += norm == Euclidean ? (double)value * value : Math.Pow(Math.Abs(value) / largest, norm);
        }

        return norm == Euclidean ? Math.Sqrt(sum) : largest * Math.Pow(sum, 1.0 / norm);
    }
}
