namespace SparseInfer.Cli.Bench;

/// <summary>Of a few samples.</summary>
internal static class Statistics
{
    /// <summary>The middle sample, or the mean of the two in the middle.</summary>
    public static double Median(IReadOnlyCollection<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The sample standard deviation, as llama-bench has it; 0 of a single sample.</summary>
    public static double StandardDeviation(IReadOnlyCollection<double> samples)
    {
        double mean = samples.Average();
        return samples.Count < 2 ? 0 : Math.Sqrt(samples.Sum(sample => (sample - mean) * (sample - mean)) / (samples.Count - 1));
    }
}
