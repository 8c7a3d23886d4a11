namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>The largest of some scores, against sorting them.</summary>
public sealed class LargestTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(150, 150)]
    [InlineData(1000, 200)]
    [InlineData(11008, 2202)]
    public void Random_scores_are_kept_as_sorting_finds_them(int length, int count)
    {
        foreach (int seed in Enumerable.Range(0, 20))
        {
            var random = new Random(seed);

            // Of few values in every second one: most are equal to another.
            ShouldBeSorted([.. Enumerable.Range(0, length).Select(_ => seed % 2 == 0 ? random.NextSingle() - 0.5f : (random.Next(5) - 2) / 8f)], count);
        }
    }

    [Fact]
    public void Scores_at_the_ends_of_the_range_and_equal_ones_are_kept_in_order()
    {
        float[] odd =
        [
            0f, -0f, float.Epsilon, -float.Epsilon, 1f, MathF.BitIncrement(1f), MathF.BitDecrement(1f), -1f, float.MaxValue, float.MinValue,
            float.PositiveInfinity, float.NegativeInfinity, 0f, -0f, 1f, -1f,
        ];
        for (int count = 1; count <= odd.Length; count++)
        {
            ShouldBeSorted(odd, count);
            ShouldBeSorted([.. Enumerable.Repeat(0f, 40)], count);
        }
    }

    [Fact]
    public void What_is_not_a_number_is_kept_first()
    {
        float[] kept = Keep([1, float.NaN, 2, -float.NaN, 3], 3, [0, 5]);
        kept.ShouldBe([-1, 0, -1, 0, 0]);
    }

    private static void ShouldBeSorted(float[] scores, int count)
    {
        HashSet<int> best = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => (double)scores[i]).ThenBy(i => i).Take(count)];
        float[] expected = [.. scores.Select((_, i) => best.Contains(i) ? 0f : -1f)];
        Keep(scores, count, [0, scores.Length]).ShouldBe(expected);
        Keep(scores, count, [0, scores.Length / 3, scores.Length / 2, scores.Length]).ShouldBe(expected);
    }

    /// <summary>Marked by workers of their own ranges.</summary>
    private static float[] Keep(float[] scores, int count, int[] ends)
    {
        float[] kept = new float[scores.Length + 1];
        foreach ((int from, int to) in ends.Zip(ends.Skip(1)))
        {
            Largest.Keep(in scores[0], scores.Length, count, ref kept[0], from, to);
        }

        kept[scores.Length].ShouldBe(0); // nothing is written past the end
        return kept[..scores.Length];
    }
}
