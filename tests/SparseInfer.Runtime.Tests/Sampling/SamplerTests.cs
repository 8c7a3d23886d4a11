using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling;

public class SamplerTests
{
    private static readonly GenerationOptions Plain = new() { Temperature = 1, TopK = 0, TopP = 1, MinP = 0, Seed = 1 };

    // Probabilities 8, 4, 2, 1, 1 sixteenths, out of order.
    private static readonly float[] Halving = [MathF.Log(2), MathF.Log(8), 0, MathF.Log(4), 0];

    [Fact]
    public void Greedy_takes_the_greatest_logit_and_the_lowest_id_among_equal_ones()
    {
        const float Never = float.NegativeInfinity;
        var sampler = new Sampler(new() { Temperature = 0 }, 5);

        sampler.Sample([1, 3, 2, 3, 3]).ShouldBe(1);
        sampler.Sample([-0f, 0f, -1, 0f, -0f]).ShouldBe(0);
        sampler.Sample([Never, Never, float.MinValue, Never, float.MinValue]).ShouldBe(2);
    }

    [Theory]
    [InlineData(1.0, 0, 1.0, 0.0, 8)]
    [InlineData(0.5, 0, 1.0, 0.0, 8)]
    [InlineData(2.0, 0, 1.0, 0.0, 8)]
    [InlineData(0.7, 4, 1.0, 0.0, 4)]
    [InlineData(1.5, 0, 0.9, 0.0, 5)]
    [InlineData(1.5, 0, 1.0, 0.2, 4)]
    public void Draws_follow_the_distribution_that_the_options_describe(
        double temperature, int topK, double topP, double minP, int candidates)
    {
        const int Draws = 40_000;
        float[] logits = [0.3f, -1.2f, 2.1f, 0f, 1.4f, -3f, 0.9f, 1.4f];
        var sampler = new Sampler(new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, Seed = 5 }, logits.Length);
        int[] kept = [.. sampler.CandidatesFor(logits)];
        double total = kept.Sum(token => Math.Exp(logits[token] / temperature));

        int[] counts = new int[logits.Length];
        for (int i = 0; i < Draws; i++)
        {
            counts[sampler.Sample(logits)]++;
        }

        double chiSquare = 0;
        foreach (int token in kept)
        {
            double expected = Draws * Math.Exp(logits[token] / temperature) / total;
            chiSquare += (counts[token] - expected) * (counts[token] - expected) / expected;
        }

        // 24.3 is the 99.9th percentile of chi-square with seven degrees of freedom; the seed is fixed, so this does not flicker.
        chiSquare.ShouldBeLessThan(24.3);
        kept.Sum(token => counts[token]).ShouldBe(Draws);
        kept.Length.ShouldBe(candidates);
    }

    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 3 })]
    [InlineData(4, new[] { 1, 3, 0, 2 })]
    [InlineData(5, new[] { 0, 1, 2, 3, 4 })]
    [InlineData(900, new[] { 0, 1, 2, 3, 4 })]
    public void Top_k_keeps_exactly_the_k_most_probable_the_lower_id_on_a_tie(int topK, int[] expected) =>
        Candidates(Plain with { TopK = topK }, Halving).ShouldBe(expected);

    [Theory]
    [InlineData(0.0, new[] { 1 })]
    [InlineData(0.49, new[] { 1 })]
    [InlineData(0.51, new[] { 1, 3 })]
    [InlineData(0.74, new[] { 1, 3 })]
    [InlineData(0.76, new[] { 1, 3, 0 })]
    [InlineData(0.88, new[] { 1, 3, 0, 2 })]
    [InlineData(0.95, new[] { 1, 3, 0, 2, 4 })]
    public void Top_p_keeps_the_fewest_whose_probabilities_reach_p(double topP, int[] expected) =>
        Candidates(Plain with { TopP = topP }, Halving).ShouldBe(expected);

    [Fact]
    public void Top_p_counts_the_probabilities_that_top_k_leaves()
    {
        // Of {8, 4} twelfths the first is 0.667: enough for 0.66, whereas of all five it would be 0.5.
        Candidates(Plain with { TopK = 2, TopP = 0.66 }, Halving).ShouldBe([1]);
        Candidates(Plain with { TopK = 0, TopP = 0.66 }, Halving).ShouldBe([1, 3]);
    }

    [Theory]
    [InlineData(1.0, new[] { 1 })]
    [InlineData(0.51, new[] { 1 })]
    [InlineData(0.49, new[] { 1, 3 })]
    [InlineData(0.24, new[] { 0, 1, 3 })]
    [InlineData(0.12, new[] { 0, 1, 2, 3, 4 })]
    public void Min_p_keeps_those_at_least_that_fraction_of_the_greatest(double minP, int[] expected)
    {
        Candidates(Plain with { MinP = minP }, Halving).Order().ShouldBe(expected);
        Candidates(Plain with { MinP = minP, TopP = 0.999999 }, Halving).Order().ShouldBe(expected);
        Candidates(Plain with { MinP = minP, TopK = 4 }, Halving).Order().ShouldBe(expected.Where(token => token != 4));
    }

    [Fact]
    public void The_temperature_does_not_change_which_tokens_are_kept()
    {
        int[] expected = Candidates(Plain with { TopP = 0.8, MinP = 0.1 }, Halving);

        Candidates(Plain with { TopP = 0.8, MinP = 0.1, Temperature = 50 }, Halving).ShouldBe(expected);
        Candidates(Plain with { TopP = 0.8, MinP = 0.1, Temperature = 0.01 }, Halving).ShouldBe(expected);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    public void Top_p_alone_on_a_flat_vocabulary_equals_a_full_sort(double topP)
    {
        var random = new Random(4);
        float[] logits = [.. Enumerable.Range(0, 4000).Select(_ => random.Next(512) / 256f)];
        double total = logits.Sum(logit => Math.Exp(logit));
        var expected = new List<int>();
        double sum = 0;
        foreach (int token in Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token]))
        {
            if (sum >= topP * total)
            {
                break;
            }

            sum += Math.Exp(logits[token]);
            expected.Add(token);
        }

        Candidates(Plain with { TopP = topP }, logits).ShouldBe(expected);
    }

    [Fact]
    public void Extreme_temperatures_stay_within_the_candidates()
    {
        float[] logits = [0, -50, 60, 60, float.NegativeInfinity];
        var cold = new Sampler(Plain with { Temperature = double.Epsilon }, 5);
        var hot = new Sampler(Plain with { Temperature = double.MaxValue }, 5);

        int[] coldTokens = [.. Enumerable.Range(0, 200).Select(_ => cold.Sample(logits)).Distinct().Order()];
        int[] hotTokens = [.. Enumerable.Range(0, 200).Select(_ => hot.Sample(logits)).Distinct().Order()];

        coldTokens.ShouldBe([2, 3]);
        hotTokens.ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void Tokens_ruled_out_by_negative_infinity_are_never_drawn()
    {
        var sampler = new Sampler(new() { Seed = 8 }, 100);
        float[] logits = [.. Enumerable.Repeat(float.NegativeInfinity, 100)];
        logits[70] = logits[71] = -9;

        Enumerable.Range(0, 100).Select(_ => sampler.Sample(logits)).Distinct().Order().ShouldBe([70, 71]);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.8)]
    public void Logits_that_are_no_distribution_are_refused(double temperature)
    {
        var sampler = new Sampler(new() { Temperature = temperature }, 3);

        Refused([0, float.NaN, 1]).ShouldStartWith("The logit of token 1 is NaN");
        Refused([0, 1, float.PositiveInfinity]).ShouldStartWith("The logit of token 2 is infinite");
        Refused([float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity]).ShouldContain("every logit");
        Should.Throw<ArgumentException>(() => sampler.Sample([0, 1])).Message.ShouldStartWith("There are 2 logits for a vocabulary of 3.");

        string Refused(float[] logits) => Should.Throw<InvalidOperationException>(() => sampler.Sample(logits)).Message;
    }

    [Fact]
    public void Bad_construction_is_refused()
    {
        Should.Throw<ArgumentNullException>(() => new Sampler(null!, 3));
        Should.Throw<ArgumentOutOfRangeException>(() => new Sampler(new(), 0)).ParamName.ShouldBe("vocabularySize");
        Should.Throw<ArgumentOutOfRangeException>(() => new Sampler(new() { MinP = 2 }, 3)).ParamName.ShouldBe("MinP");
    }

    public static TheoryData<GenerationOptions> EveryPath =>
    [
        new GenerationOptions { Temperature = 0 },
        new GenerationOptions(),
        new GenerationOptions { RepetitionPenalty = 1.1 },
        new GenerationOptions { TopK = 0 },
        new GenerationOptions { TopK = 0, TopP = 1 },
    ];

    [Theory]
    [MemberData(nameof(EveryPath))]
    public void Sampling_allocates_nothing(GenerationOptions options)
    {
        var random = new Random(1);
        float[] logits = [.. Enumerable.Range(0, 5000).Select(_ => (float)random.NextDouble())];
        var sampler = new Sampler(options, logits.Length);
        sampler.Sample(logits);

        // A collection, which other tests may cause, takes what is left of a thread's 8 KiB as allocated: what allocates does so in every round.
        Enumerable.Range(0, 10).Min(_ => Allocated()).ShouldBe(0);

        long Allocated()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++)
            {
                sampler.Accept(sampler.Sample(logits));
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static int[] Candidates(GenerationOptions options, float[] logits) =>
        [.. new Sampler(options, logits.Length).CandidatesFor(logits)];
}
