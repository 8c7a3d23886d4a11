namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Shares of neurons in tokens, and which are the largest, against their definitions.</summary>
public sealed class PromptSharesTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(32, 16)]
    [InlineData(150, 75)]
    [InlineData(11008, 5504)]
    public void Neurons_are_chosen_as_sorting_finds_them(int neurons, int count)
    {
        foreach (int seed in Enumerable.Range(0, 12))
        {
            var random = new Random(seed);

            // A token, or some; of few values in every second one, so that most sums equal another; some tokens without an active neuron.
            int tokens = seed % 3 == 0 ? 1 : 9;
            float[][] h = [.. Enumerable.Range(0, tokens).Select(token => Enumerable.Range(0, neurons)
                .Select(_ => token == 4 ? 0f : seed % 2 == 0 ? random.NextSingle() - 0.5f : random.Next(-2, 3)).ToArray())];
            double[] shares = Shares(h, workers: 1, parts: 1);
            double[] naive = Naive(h);
            for (int i = 0; i < neurons; i++)
            {
                shares[i].ShouldBe(naive[i], 1e-13 * Math.Max(1, tokens), $"neuron {i}");
            }

            Shares(h, workers: 3, parts: 1).ShouldBe(shares);
            Shares(h, workers: 2, parts: 4).ShouldBe(shares);
            int[] expected = [.. Enumerable.Range(0, neurons).OrderByDescending(i => shares[i]).ThenBy(i => i).Take(count).Order()];
            Choose(shares, count).ShouldBe(expected);

            // Of few values sums that are equal by definition may differ in their last digits: what is chosen is chosen by ours.
            if (seed % 2 == 0 || tokens == 1)
            {
                Choose(naive, count).ShouldBe(expected);
            }
        }
    }

    [Fact]
    public void Sums_at_the_ends_of_the_range_and_equal_ones_are_chosen_in_order()
    {
        double[] odd = [0, double.Epsilon, 1, Math.BitIncrement(1.0), Math.BitDecrement(1.0), double.MaxValue, 0, 1, 1e-300, 3, 3];
        for (int count = 1; count <= odd.Length; count++)
        {
            Choose(odd, count).ShouldBe([.. Enumerable.Range(0, odd.Length).OrderByDescending(i => odd[i]).ThenBy(i => i).Take(count).Order()]);
            Choose([.. Enumerable.Repeat(0.0, 70)], count).ShouldBe([.. Enumerable.Range(0, count)]);
        }
    }

    [Fact]
    public void A_token_that_is_no_finite_number_has_no_shares()
    {
        float[][] h = [[1, 2, 0], [float.PositiveInfinity, 1, 1], [float.NaN, 1, 1], [0, 0, 0]];
        Shares(h, workers: 1, parts: 1).ShouldBe([0.2, 0.8, 0]);
    }

    [Fact]
    public void A_range_lists_its_own_bits()
    {
        uint[] words = [0x80000001, uint.MaxValue, 0b1011];
        int[] list = new int[96];
        NeuronBits.List(in words[0], 64, 96, ref list[0]).ShouldBe(37);
        list[..3].ShouldBe([64, 95, 96]);
        list[34..37].ShouldBe([128, 129, 131]);
        NeuronBits.List(in words[1], 32, 37, ref list[0]).ShouldBe(35);
        list[33..35].ShouldBe([64 + 1, 64 + 3]);
        NeuronBits.List(in words[2], 0, 0, ref list[0]).ShouldBe(0);
    }

    private static double[] Naive(float[][] h)
    {
        double[] sums = new double[h[0].Length];
        foreach (float[] token in h)
        {
            double squares = token.Sum(value => (double)value * value);
            for (int i = 0; i < sums.Length && squares > 0; i++)
            {
                double share = token[i] / Math.Sqrt(squares);
                sums[i] += share * share;
            }
        }

        return sums;
    }

    /// <summary>In batches of tokens, and by workers of their own tokens and neurons.</summary>
    private static double[] Shares(float[][] h, int workers, int parts)
    {
        int neurons = h[0].Length;
        int stride = neurons + 3;
        double[] shares = new double[neurons];
        for (int part = 0; part < parts; part++)
        {
            float[][] tokens = h[(part * h.Length / parts)..((part + 1) * h.Length / parts)];
            float[] rows = [.. tokens.SelectMany(token => token.Concat([9, 9, 9])), 0];
            double[] squares = new double[tokens.Length + 1];
            for (int worker = 0; worker < workers; worker++)
            {
                PromptShares.Squares(in rows[0], stride, neurons, worker * tokens.Length / workers, (worker + 1) * tokens.Length / workers, ref squares[0]);
            }

            for (int worker = 0; worker < workers; worker++)
            {
                PromptShares.Add(in rows[0], stride, 0, tokens.Length, in squares[0], ref shares[0], worker * neurons / workers, (worker + 1) * neurons / workers);
            }
        }

        return shares;
    }

    private static int[] Choose(double[] sums, int count)
    {
        uint[] words = [.. Enumerable.Repeat(uint.MaxValue, (sums.Length + 31) / 32)];
        NeuronBits.ChooseLargest(in sums[0], sums.Length, count, ref words[0]);
        int[] list = new int[sums.Length];
        int listed = NeuronBits.List(in words[0], 0, sums.Length, ref list[0]);

        // Bits behind the last neuron are 0.
        words.Sum(System.Numerics.BitOperations.PopCount).ShouldBe(listed);
        return list[..listed];
    }
}
