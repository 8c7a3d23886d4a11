using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling;

/// <summary>
/// What must never change, or a seed would give another text. The expected tokens come from an independent implementation.
/// </summary>
public class DeterminismTests
{
    private static readonly float[] Logits = [.. Enumerable.Range(0, 1000).Select(i => i * 7919 % 1009 / 128f)];

    [Fact]
    public void Splitmix64_gives_the_published_sequence()
    {
        ulong state = 1234567;

        ulong[] values = [.. Enumerable.Range(0, 5).Select(_ => Xoshiro256StarStar.SplitMix64(ref state))];

        values.ShouldBe([6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]);
    }

    [Fact]
    public void Xoshiro256_star_star_gives_the_published_sequence()
    {
        var random = new Xoshiro256StarStar(1, 2, 3, 4);

        ulong[] values = [.. Enumerable.Range(0, 6).Select(_ => random.Next())];

        values.ShouldBe([11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600]);
    }

    [Fact]
    public void A_seed_gives_the_same_tokens_with_the_default_options() =>
        Tokens(new() { Seed = 42 }).ShouldBe([277, 864, 963, 541, 818, 231, 719, 264, 231, 930, 963, 587, 752, 343, 719, 20]);

    [Fact]
    public void Seed_zero_is_a_seed_like_any_other() =>
        Tokens(new() { Seed = 0 }).ShouldBe([686, 231, 33, 376, 475, 818, 376, 409, 264, 541, 33, 277, 33, 198, 653, 587]);

    [Fact]
    public void A_seed_gives_the_same_tokens_with_top_p_alone() =>
        Tokens(new() { Seed = 42, TopK = 0, TopP = 0.9, MinP = 0, Temperature = 1.3 })
            .ShouldBe([99, 772, 390, 239, 114, 898, 245, 674, 621, 159, 146, 884, 997, 429, 977, 529]);

    [Fact]
    public void A_seed_gives_the_same_tokens_with_min_p_alone() =>
        Tokens(new() { Seed = 42, TopK = 0, TopP = 1, MinP = 0.5, Temperature = 1 })
            .ShouldBe([86, 383, 686, 917, 996, 772, 719, 851, 765, 587, 686, 297, 798, 330, 719, 871]);

    [Fact]
    public void Without_a_seed_the_sampler_names_the_one_it_picked()
    {
        var sampler = new Sampler(new() { Temperature = 3 }, Logits.Length);
        int[] tokens = [.. Enumerable.Range(0, 32).Select(_ => sampler.Sample(Logits))];

        Tokens(new() { Temperature = 3, Seed = sampler.Seed }, 32).ShouldBe(tokens);
        new Sampler(new(), Logits.Length).Seed.ShouldNotBe(sampler.Seed);
    }

    [Fact]
    public void The_exponential_agrees_with_the_librarys_to_the_last_places()
    {
        var random = new Random(3);
        for (int i = 0; i < 200_000; i++)
        {
            double x = -Math.Pow(10, random.NextDouble() * 12 - 9.2);
            double expected = Math.Exp(x);
            double actual = PortableExp.OfNonPositive(x);
            if (x >= -708 ? Math.Abs(actual - expected) > expected * 4.5e-16 : actual != 0)
            {
                Assert.Fail($"e^{x:R} came out as {actual:R}, not {expected:R}.");
            }
        }
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(-1.0, 0.36787944117144233)]
    [InlineData(-0.5, 0.6065306597126334)]
    [InlineData(-708.0, 3.3075530036384083E-308)] // One unit from the nearest double, and to stay so.
    [InlineData(-708.1, 0.0)]
    [InlineData(double.NegativeInfinity, 0.0)]
    public void The_exponential_of_some_numbers(double x, double expected) => PortableExp.OfNonPositive(x).ShouldBe(expected);

    private static int[] Tokens(GenerationOptions options, int count = 16)
    {
        var sampler = new Sampler(options, Logits.Length);
        return [.. Enumerable.Range(0, count).Select(_ => sampler.Sample(Logits))];
    }
}
