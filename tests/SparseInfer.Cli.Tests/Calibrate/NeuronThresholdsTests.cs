using SparseInfer.Cli.Calibrate;

namespace SparseInfer.Cli.Tests.Calibrate;

/// <summary>CHESS's thresholds against what they are defined by.</summary>
public sealed class NeuronThresholdsTests
{
    private const int Neurons = 7;
    private const int Tokens = 200;

    [Theory]
    [InlineData(0)]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(1)]
    public void They_skip_the_share_whose_products_are_expected_to_be_smallest(double share)
    {
        var random = new Random(1);
        float[] activations = [.. Enumerable.Range(0, Tokens * Neurons).Select(_ => random.NextSingle() - 0.5f)];
        float[] factors = [.. Enumerable.Range(0, Tokens * Neurons).Select(i => (random.NextSingle() - 0.5f) * (1 + (i % Neurons)))];
        float[] found = NeuronThresholds.Find(activations, factors, Neurons, share);

        // By the formula, in its order.
        double[] u = [.. Enumerable.Range(0, Neurons).Select(j => Enumerable.Range(0, Tokens).Average(t => Math.Pow(factors[(t * Neurons) + j], 2)))];
        (int Place, double Value)[] sorted = [.. activations.Select((a, i) => (i, a * (double)a * u[i % Neurons])).OrderBy(pair => pair.Item2)];
        int skipped = (int)(share * Tokens * Neurons);
        HashSet<int> expected = [.. sorted.Take(skipped).Select(pair => pair.Place)];
        int[] wrong = [.. Enumerable.Range(0, activations.Length).Where(i => Math.Abs(activations[i]) <= found[i % Neurons] != expected.Contains(i))];

        // At the threshold itself the last digit decides.
        wrong.ShouldAllBe(i => Math.Abs(Math.Abs(activations[i]) - found[i % Neurons]) < 1e-6f);
        if (skipped > 0)
        {
            found.Select((t, j) => t * Math.Sqrt(u[j])).ShouldAllBe(limit => Math.Abs(limit - Math.Sqrt(sorted[skipped - 1].Value)) < 1e-6);
        }
    }

    [Fact]
    public void A_neuron_that_adds_nothing_never_goes_on_and_without_factors_there_is_one_threshold()
    {
        NeuronThresholds.Find([1, 2, 3, 4], [0, 1, 0, 1], 2, 0.5)[0].ShouldBe(float.MaxValue);
        NeuronThresholds.Find([1, 2, 3, 4], null, 2, 0.5).ShouldBe([2, 2]);
    }
}
