namespace SparseInfer.Cli.Calibrate.Svd;

/// <summary>A layer's <c>[TruncatedSvdPredictor]</c>, as its file has it.</summary>
/// <param name="First">fc1: [rank, hidden].</param>
/// <param name="Second">fc2: [intermediate, rank].</param>
/// <param name="Bias">fc2.bias: minus each neuron's threshold.</param>
/// <param name="Skipped">The share of neurons that it skips on the tokens that its thresholds were found with.</param>
internal sealed record SvdPredictor(float[] First, float[] Second, float[] Bias, double Skipped)
{
    /// <summary>Makes a layer's.</summary>
    /// <param name="samples">The layer, and what went through it.</param>
    /// <param name="rank">1 to hidden.</param>
    /// <param name="share">The share of neurons that is to be skipped: SVDP has 0.5 to 1 of the measured sparsity, 0.1 less in the first two layers.</param>
    /// <exception cref="ArgumentException">Samples contradict each other, or the rank is none of the gate's.</exception>
    public static SvdPredictor Make(SvdSamples samples, int rank, double share)
    {
        samples.Require();
        if (rank < 1 || rank > Math.Min(samples.Hidden, samples.Intermediate))
        {
            throw new ArgumentException($"A gate of {samples.Intermediate} neurons by {samples.Hidden} inputs has no rank of {rank}.", nameof(rank));
        }

        var factors = WhitenedSvd.Of(samples.Gate, samples.FactorInputs, samples.Hidden, rank);
        float[] first = [.. factors.First.Select(value => (float)value)];
        float[] second = [.. factors.Second.Select(value => (float)value)];
        int tokens = samples.ThresholdInputs.Length / samples.Hidden;

        // Of the factors as the file has them, so that thresholds are those of what is computed.
        double[] hidden = new double[tokens * rank];
        Parallel.For(0, tokens, token => Multiply(first, samples.ThresholdInputs.AsSpan(token * samples.Hidden, samples.Hidden), hidden.AsSpan(token * rank, rank)));
        var found = ThresholdSearch.Find(
            tokens,
            samples.Intermediate,
            (token, neuron) =>
            {
                double sum = 0;
                for (int i = 0; i < rank; i++)
                {
                    sum += second[(neuron * rank) + i] * hidden[(token * rank) + i];
                }

                return sum;
            },
            (token, neuron) => Math.Abs(samples.ThresholdActivations[((long)token * samples.Intermediate) + neuron]) * samples.DownNorms[neuron],
            share);
        return new(first, second, [.. found.Thresholds.Select(threshold => (float)-threshold)], found.Skipped);
    }

    private static void Multiply(float[] rows, ReadOnlySpan<float> x, Span<double> y)
    {
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0;
            for (int j = 0; j < x.Length; j++)
            {
                sum += (double)rows[(i * x.Length) + j] * x[j];
            }

            y[i] = sum;
        }
    }
}
