using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling;

public class RepetitionPenaltyTests
{
    [Fact]
    public void Positive_logits_are_divided_and_others_multiplied()
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = 1.25, RepetitionWindow = 8 }, 5);
        foreach (int token in (int[])[0, 1, 2])
        {
            penalty.Accept(token);
        }

        penalty.Apply([2f, -2f, 0f, 2f, -2f]).ToArray().ShouldBe([1.6f, -2.5f, 0f, 2f, -2f]);
    }

    [Fact]
    public void A_token_that_occurred_often_is_penalized_once()
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = 2, RepetitionWindow = 8 }, 2);
        for (int i = 0; i < 5; i++)
        {
            penalty.Accept(1);
        }

        penalty.Apply([8f, 8f]).ToArray().ShouldBe([8f, 4f]);
    }

    [Fact]
    public void Presence_is_taken_off_once_and_frequency_for_each_time_in_the_window()
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = 2, PresencePenalty = 0.5, FrequencyPenalty = 0.25, RepetitionWindow = 3 }, 3);
        foreach (int token in (int[])[0, 1, 1, 7])
        {
            penalty.Accept(token);
        }

        penalty.Apply([8f, 8f, -8f]).ToArray().ShouldBe([8f, 3f, -8f]);
        penalty.Accept(2);
        penalty.Apply([8f, 8f, -8f]).ToArray().ShouldBe([8f, 3.25f, -16.75f]);
    }

    [Fact]
    public void Tokens_leave_the_window_in_the_order_they_came()
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = 2, RepetitionWindow = 2 }, 4);
        float[] logits = [8, 8, 8, 8];

        penalty.Apply(logits).ToArray().ShouldBe(logits);
        foreach (int token in (int[])[0, 1, 2])
        {
            penalty.Accept(token);
        }

        penalty.Apply(logits).ToArray().ShouldBe([8f, 4f, 4f, 8f]);
        penalty.Accept(3);
        penalty.Apply(logits).ToArray().ShouldBe([8f, 8f, 4f, 4f]);
    }

    [Theory]
    [InlineData(1.0, 8)]
    [InlineData(2.0, 0)]
    public void A_penalty_of_one_or_an_empty_window_is_off(double value, int window)
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = value, RepetitionWindow = window }, 2);
        penalty.Accept(1);
        float[] logits = [8, 8];

        (penalty.Apply(logits) == logits).ShouldBeTrue("the logits themselves, not a copy");
    }

    [Fact]
    public void A_token_without_a_logit_takes_a_place_in_the_window_and_nothing_else()
    {
        var penalty = new RepetitionPenalty(new() { RepetitionPenalty = 2, RepetitionWindow = 2 }, 3);
        float[] logits = [8, 8, 8];
        penalty.Accept(0);
        penalty.Accept(7);
        penalty.Apply(logits).ToArray().ShouldBe([4f, 8f, 8f]);
        penalty.Accept(1);
        penalty.Apply(logits).ToArray().ShouldBe([8f, 4f, 8f]);
    }

    [Fact]
    public void A_sampler_that_continues_a_sequence_chooses_what_one_from_its_start_does()
    {
        var options = new GenerationOptions { Temperature = 1, TopK = 0, Seed = 3, RepetitionPenalty = 1.5, RepetitionWindow = 6 };
        float[] logits = [1, 2, 1.5f, 1.8f, 0.5f, 1.9f];
        var whole = new Sampler(options, logits.Length);
        int[] prompt = [5, 0, 1];
        Array.ForEach(prompt, whole.Accept);
        int[] tokens = [.. Enumerable.Range(0, 40).Select(_ => whole.Sample(logits))];
        tokens.Distinct().Count().ShouldBeGreaterThan(3);
        for (int cut = 0; cut < tokens.Length; cut++)
        {
            var later = new Sampler(options, logits.Length);
            later.ContinueFrom([.. prompt, .. tokens[..cut]], cut, written: 0);
            later.Sample(logits).ShouldBe(tokens[cut], $"token {cut}");
        }
    }

    [Fact]
    public void The_sampler_penalizes_the_prompt_and_its_own_choices_and_leaves_the_logits_alone()
    {
        var sampler = new Sampler(new() { Temperature = 0, RepetitionPenalty = 2, RepetitionWindow = 2 }, 3);
        float[] logits = [8, 7, 6];
        sampler.Accept(0);

        int[] tokens = [.. Enumerable.Range(0, 4).Select(_ => sampler.Sample(logits))];

        // Penalized in turn: {0}, {0, 1}, {1, 2}, {2, 0}.
        tokens.ShouldBe([1, 2, 0, 1]);
        logits.ShouldBe([8f, 7f, 6f]);
        Should.Throw<ArgumentOutOfRangeException>(() => sampler.Accept(3)).ParamName.ShouldBe("token");
        Should.Throw<ArgumentOutOfRangeException>(() => sampler.Accept(-1)).ParamName.ShouldBe("token");
    }
}
