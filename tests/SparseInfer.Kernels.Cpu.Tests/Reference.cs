namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>What the kernels promise, written out one number at a time.</summary>
internal static class Reference
{
    public static float[] RandomVector(int length, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = (random.NextSingle() - 0.5f) * 2 * scale;
        return values;
    }

    /// <summary>Rows of vectors, each padded with zeros.</summary>
    public static float[] RandomRows(int rows, int width, int seed, float scale = 1)
    {
        int padded = Padding.Pad(width);
        var values = new float[rows * padded];
        for (int row = 0; row < rows; row++)
            RandomVector(width, seed + row, scale).CopyTo(values, row * padded);
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
                sums[k % 16] = MathF.FusedMultiplyAdd(x[k], w[k], sums[k % 16]);
            total += Tree(sums);
        }
        return total;
    }

    /// <summary>
    /// Q8_0's dot product: the input in steps of a 32,767th of each block's largest element; integer sums over columns 2j, 2j + 1 and the two
    /// that lie 16 behind; 8 chains of fused multiply-add with both scales' product.
    /// </summary>
    public static float Q8Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        var sums = new float[8];
        for (int block = 0; block < blocks.Length / 34; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * 34, 34);
            (int[] input, float step) = Quantize(x.Slice(block * 32, 32), 32767);
            float scale = (float)BitConverter.ToHalf(bytes) * step;
            for (int j = 0; j < 8; j++)
            {
                int sum = 0;
                foreach (int k in new[] { 2 * j, (2 * j) + 1, (2 * j) + 16, (2 * j) + 17 })
                    sum += input[k] * (sbyte)bytes[2 + k];
                sums[j] = MathF.FusedMultiplyAdd(sum, scale, sums[j]);
            }
        }
        return Tree(sums);
    }

    /// <summary>
    /// Q4_0's: the input in steps of a 127th; an integer sum for each block, whose quants count from 0, the 8 too much taken off with the
    /// input's step; even blocks in one chain of fused multiply-add with the weights' scale, odd ones in another.
    /// </summary>
    public static float Q4Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        var sums = new float[2];
        for (int block = 0; block < blocks.Length / 18; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * 18, 18);
            (int[] input, float step) = Quantize(x.Slice(block * 32, 32), 127);
            int sum = 0;
            for (int k = 0; k < 16; k++)
                sum += (input[k] * (bytes[2 + k] & 15)) + (input[k + 16] * (bytes[2 + k] >> 4));
            float dot = MathF.FusedMultiplyAdd(sum, step, -8 * input.Sum() * step);
            sums[block % 2] = MathF.FusedMultiplyAdd(dot, (float)BitConverter.ToHalf(bytes), sums[block % 2]);
        }
        return sums[0] + sums[1];
    }

    /// <summary>One column of the down product, neuron by neuron.</summary>
    public static float PlainDown(ReadOnlySpan<float> h, ReadOnlySpan<float> column)
    {
        float sum = 0;
        for (int i = 0; i < h.Length; i++)
            sum = MathF.FusedMultiplyAdd(h[i], column[i], sum);
        return sum;
    }

    /// <summary>The same of a block format: 32 activations in steps of their largest, an integer sum, one multiply-add with both scales.</summary>
    public static float BlockDown(ReadOnlySpan<float> h, ReadOnlySpan<byte> blocks, int blockBytes)
    {
        float sum = 0;
        for (int block = 0; block < blocks.Length / blockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * blockBytes, blockBytes);
            (int[] quants, float step) = Quantize(h.Slice(block * 32, 32), blockBytes == 34 ? 32767 : 127);
            int total = 0;
            for (int i = 0; i < 32; i++)
            {
                int weight = blockBytes == 34 ? (sbyte)bytes[2 + i] : ((bytes[2 + (i % 16)] >> (i < 16 ? 0 : 4)) & 15) - 8;
                total += weight * quants[i];
            }
            sum = MathF.FusedMultiplyAdd(total, (float)BitConverter.ToHalf(bytes) * step, sum);
        }
        return sum;
    }

    private static (int[] Quants, float Step) Quantize(ReadOnlySpan<float> x, float range)
    {
        float largest = 0;
        foreach (float value in x)
            largest = MathF.Max(largest, MathF.Abs(value));
        var quants = new int[x.Length];
        if (largest < 1e-30f)
            return (quants, 0);
        float inverse = range / largest;
        for (int i = 0; i < x.Length; i++)
            quants[i] = (int)MathF.Round(x[i] * inverse, MidpointRounding.ToEven);
        return (quants, largest / range);
    }

    private static float Tree(float[] sums)
    {
        for (int half = sums.Length / 2; half >= 4; half /= 2)
        {
            for (int i = 0; i < half; i++)
                sums[i] += sums[i + half];
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
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }

    public static ulong[] SignWords(ReadOnlySpan<float> values)
    {
        var words = new ulong[(values.Length + 63) / 64];
        for (int i = 0; i < values.Length; i++)
        {
            if (float.IsNegative(values[i]))
                words[i / 64] |= 1UL << (i % 64);
        }
        return words;
    }
}
