namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Grasp's votes, straight from the definition in double precision. Nothing here is shared with the code under test.</summary>
/// <param name="Sigmas">Standard deviations beyond which an element of the input is an outlier.</param>
/// <param name="OutlierWeight">Votes of an outlier.</param>
internal sealed record VoteReference(double Sigmas, decimal OutlierWeight)
{
    /// <summary>S = S_out * OUT + 15.3 * BB + 3.92 * MIX + SS.</summary>
    public decimal Votes(ReadOnlySpan<float> row, ReadOnlySpan<float> x)
    {
        (double mean, double deviation) = Spread(x);
        bool[] large = Large(x);
        bool[] rowLarge = Large(row);
        decimal votes = 0;
        for (int j = 0; j < x.Length; j++)
        {
            int vote = float.IsNegative(row[j]) == float.IsNegative(x[j]) ? 1 : -1;
            votes += vote * (large[j] && rowLarge[j] ? 15.3m : large[j] || rowLarge[j] ? 3.92m : 1m);
            votes += vote * (Math.Abs(x[j] - mean) > Sigmas * deviation ? OutlierWeight : 0m);
        }

        return votes;
    }

    /// <summary>Whether a neuron is predicted inactive: S &lt; round((1 - beta) * width / 2).</summary>
    public bool IsPredictedInactive(ReadOnlySpan<float> row, ReadOnlySpan<float> x, decimal beta) =>
        Votes(row, x) < Math.Round((1 - beta) * x.Length / 2, MidpointRounding.AwayFromZero);

    private static bool[] Large(ReadOnlySpan<float> values)
    {
        (double mean, double deviation) = Spread(values);
        bool[] large = new bool[values.Length];
        for (int j = 0; j < large.Length; j++)
        {
            large[j] = values[j] < mean - (0.6745 * deviation) || values[j] > mean + (0.6745 * deviation);
        }

        return large;
    }

    private static (double Mean, double Deviation) Spread(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += value;
        }

        double mean = sum / values.Length;
        double squares = 0;
        foreach (float value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        return (mean, Math.Sqrt(squares / (values.Length - 1)));
    }
}
