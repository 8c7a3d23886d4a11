namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Scores of heads by their queries, and which heads marks leave.</summary>
public sealed class HeadChoiceTests
{
    [Theory]
    [InlineData(1, 4)]
    [InlineData(5, 35)]
    [InlineData(3, 16)]
    [InlineData(4, 130)]
    public void A_score_is_the_sum_of_a_groups_squares(int groups, int width)
    {
        var random = new Random(width);
        float[] queries = [.. Enumerable.Range(0, groups * width).Select(_ => (random.NextSingle() * 2) - 1)];
        float[] scores = new float[groups + 1];
        scores[groups] = 7;

        HeadChoice.Score(ref queries[0], groups, width, ref scores[0]);

        for (int group = 0; group < groups; group++)
        {
            scores[group].ShouldBe((float)queries.Skip(group * width).Take(width).Sum(q => (double)q * q), width * 1e-6f);
        }

        scores[groups].ShouldBe(7);
    }

    /// <summary>The same score, wherever its group is: equal queries are a tie.</summary>
    [Fact]
    public void Equal_queries_have_the_bits_of_one_score()
    {
        float[] queries = [.. Enumerable.Range(0, 4 * 35).Select(i => MathF.Sin(i % 35))];
        float[] scores = new float[4];
        HeadChoice.Score(ref queries[0], 4, 35, ref scores[0]);
        scores.ShouldAllBe(score => score == scores[0]);
    }

    [Fact]
    public void Heads_of_kept_groups_are_listed_and_outputs_of_the_others_are_zero()
    {
        float[] marks = [0, -1, -1, 0];
        int[] heads = new int[8];
        HeadChoice.List(ref marks[0], 4, 2, heads).ShouldBe(4);
        heads[..4].ShouldBe([0, 1, 6, 7]);

        float[] attended = [.. Enumerable.Repeat(1f, 8 * 3)];
        HeadChoice.Clear(ref marks[0], 2, 3, 8, 3, ref attended[0]);
        attended.ShouldBe([.. Enumerable.Range(0, 8 * 3).Select(i => i / 3 is >= 3 and <= 5 ? 0f : 1f)]);
    }
}
