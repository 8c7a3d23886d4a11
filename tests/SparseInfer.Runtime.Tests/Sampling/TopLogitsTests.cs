using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling;

public class TopLogitsTests
{
    [Fact]
    public void Selection_equals_a_full_sort_ties_in_the_order_of_ids()
    {
        var random = new Random(11);
        for (int round = 0; round < 400; round++)
        {
            int size = random.Next(1, 300);
            float[] logits = [.. Enumerable.Range(0, size).Select(_ => RandomLogit(random))];
            int[] sorted = [.. Enumerable.Range(0, size).OrderByDescending(token => logits[token])];
            int count = random.Next(1, size + 1);
            int[] tokens = new int[count];

            TopLogits.Select(logits, tokens);

            tokens.ShouldBe(sorted[..count]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void Selection_from_a_large_sorted_vocabulary(int direction)
    {
        float[] logits = [.. Enumerable.Range(0, 128_256).Select(i => direction * i / 16f)];
        int[] tokens = new int[40];

        TopLogits.Select(logits, tokens);

        tokens.ShouldBe(Enumerable.Range(0, 40).Select(i => direction > 0 ? logits.Length - 1 - i : i));
    }

    [Fact]
    public void The_maximum_and_its_first_index_are_found_wherever_they_are()
    {
        for (int size = 1; size < 70; size++)
        {
            for (int place = 0; place < size; place++)
            {
                float[] logits = [.. Enumerable.Repeat(-3f, size)];
                logits[place] = -1;
                logits[^1] = -1;

                LogitScan.Maximum(logits).ShouldBe(-1);
                LogitScan.IndexOf(logits, -1).ShouldBe(place);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "infinite")]
    public void A_logit_that_is_no_number_is_found_wherever_it_is(float bad, string word)
    {
        for (int size = 1; size < 40; size++)
        {
            for (int place = 0; place < size; place++)
            {
                float[] logits = new float[size];
                logits[place] = bad;

                Should.Throw<InvalidOperationException>(() => LogitScan.Maximum(logits))
                    .Message.ShouldStartWith($"The logit of token {place} is {word}");
            }
        }
    }

    // Few distinct values, so that ties are common.
    private static float RandomLogit(Random random) => random.Next(20) switch
    {
        0 => float.NegativeInfinity,
        1 => float.MinValue,
        2 => -0f,
        3 => 0f,
        int n => (n - 10) / 2f,
    };
}
