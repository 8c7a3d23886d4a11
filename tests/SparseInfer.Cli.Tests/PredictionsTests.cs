using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Tests;

/// <summary>What is told of tokens where a policy gives some words no logit.</summary>
public sealed class PredictionsTests
{
    [Fact]
    public void Words_without_a_logit_are_told_apart_and_the_rest_is_compared_among_the_others()
    {
        float[] dense = [MathF.Log(0.5f), MathF.Log(0.3f), MathF.Log(0.2f), MathF.Log(0.5f), MathF.Log(0.3f), MathF.Log(0.2f)];
        float[] policy = [.. dense];
        policy[2] = float.NegativeInfinity;
        policy[3] = float.NegativeInfinity;
        var predictions = new Predictions();
        predictions.Add(policy, dense, [1, 0], vocabulary: 3);

        // The first token has three eighths of what is left; the second is one of those without a logit.
        predictions.RuledOut.ShouldBe(0.5);
        predictions.RuledOutMass.ShouldBe(0.35, 1e-6);
        predictions.Perplexity.ShouldBe(8 / 3.0, 1e-5);
        predictions.Divergence.ShouldBe(0, 1e-6);
        predictions.TopAgreement.ShouldBe(0.5);
    }

    [Fact]
    public void A_divergence_among_the_words_that_are_left_is_that_of_their_shares()
    {
        float[] dense = [MathF.Log(0.4f), MathF.Log(0.4f), MathF.Log(0.2f)];
        float[] policy = [MathF.Log(3f), 0, float.NegativeInfinity];
        var predictions = new Predictions();
        predictions.Add(policy, dense, [0], vocabulary: 3);
        predictions.Divergence.ShouldBe((0.5 * Math.Log(0.5 / 0.75)) + (0.5 * Math.Log(0.5 / 0.25)), 1e-6);
        predictions.RuledOut.ShouldBe(0);
    }

    [Fact]
    public void What_is_left_is_compared_however_little_the_dense_model_gives_to_it_and_nothing_where_it_gives_nothing()
    {
        const float None = float.NegativeInfinity;

        // The dense model gives 1 to the first word but for what a double holds, and e^-500 to each of the others; then all of it.
        float[] dense = [500, 0, 0, 500, None, None, 1, 2, 3];
        float[] policy = [None, MathF.Log(3f), 0, None, 0, 0, None, None, None];
        var predictions = new Predictions();
        predictions.Add(policy, dense, [1, 0, 2], vocabulary: 3);
        predictions.Divergence.ShouldBe((0.5 * Math.Log(0.5 / 0.75)) + (0.5 * Math.Log(0.5 / 0.25)), 1e-6);
        predictions.RuledOutMass.ShouldBe(1, 1e-12);
        predictions.RuledOut.ShouldBe(2 / 3.0);
        predictions.Perplexity.ShouldBe(4 / 3.0, 1e-6);
        Predictions.LogProbability(policy.AsSpan(6), 0).ShouldBe(double.NegativeInfinity);
    }
}
