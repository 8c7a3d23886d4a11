namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>What the kernels promise, written out one number at a time.</summary>
internal static class Reference
{
    public static float[] RandomVector(int length, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (random.NextSingle() - 0.5f) * 2 * scale;
        }

        return values;
    }

    /// <summary>Rows of vectors, each padded with zeros.</summary>
    public static float[] RandomRows(int rows, int width, int seed, float scale = 1)
    {
        int padded = Padding.Pad(width);
        var values = new float[rows * padded];
        for (int row = 0; row < rows; row++)
        {
            RandomVector(width, seed + row, scale).CopyTo(values, row * padded);
        }

        return values;
    }

    /// <summary>The canonical dot product: in each segment of 1024 columns 16 chains of fused multiply-add and one tree.</summary>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        float total = 0;
        for (int from = 0; from < w.Length; from += 1024)
        {
            var sums = new float[16];
            for (int k = from; k < Math.Min(from + 1024, w.Length); k++)
            {
                sums[k % 16] = MathF.FusedMultiplyAdd(x[k], w[k], sums[k % 16]);
            }

            total += Tree(sums);
        }

        return total;
    }

    /// <summary>One column of the down product, neuron by neuron.</summary>
    public static float PlainDown(ReadOnlySpan<float> h, ReadOnlySpan<float> column)
    {
        float sum = 0;
        for (int i = 0; i < h.Length; i++)
        {
            sum = MathF.FusedMultiplyAdd(h[i], column[i], sum);
        }

        return sum;
    }

    /// <summary>Numbers in steps of their largest one's share.</summary>
    public static (int[] Quants, float Step) Quantize(ReadOnlySpan<float> x, float range)
    {
        float largest = 0;
        foreach (float value in x)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        var quants = new int[x.Length];
        if (largest < 1e-30f)
        {
            return (quants, 0);
        }

        float inverse = range / largest;
        for (int i = 0; i < x.Length; i++)
        {
            quants[i] = (int)MathF.Round(x[i] * inverse, MidpointRounding.ToEven);
        }

        return (quants, largest / range);
    }

    /// <summary>The tree that adds lanes.</summary>
    public static float Tree(float[] sums)
    {
        for (int half = sums.Length / 2; half >= 4; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                sums[i] += sums[i + half];
            }
        }

        return (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }

    /// <summary>The dot product in double precision, and the sum of the terms' magnitudes, which bounds its error.</summary>
    public static (double Sum, double Magnitude) DoubleDot(ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        double sum = 0;
        double magnitude = 0;
        for (int k = 0; k < w.Length; k++)
        {
            sum += (double)x[k] * w[k];
            magnitude += Math.Abs((double)x[k] * w[k]);
        }

        return (sum, magnitude);
    }

    public static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        }

        return bits;
    }

    public static ulong[] SignWords(ReadOnlySpan<float> values)
    {
        var words = new ulong[(values.Length + 63) / 64];
        for (int i = 0; i < values.Length; i++)
        {
            if (float.IsNegative(values[i]))
            {
                words[i / 64] |= 1UL << (i % 64);
            }
        }

        return words;
    }
}
