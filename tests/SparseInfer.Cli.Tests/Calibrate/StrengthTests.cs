using System.Globalization;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Calibrate;

/// <summary>Strengths of single policies: each is the number that it was made for, and what attributes make of it.</summary>
public sealed class StrengthTests
{
    /// <summary>The decimal that a profile has for a strength.</summary>
    internal static decimal Exact(float value) => decimal.Parse(value.ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(64)]
    [InlineData(255)]
    [InlineData(4096)]
    public void An_alpha_makes_the_threshold_that_it_was_made_for(int hidden)
    {
        // Beyond, alphas are above 100, which the attribute does not take.
        foreach (int threshold in Enumerable.Range(0, hidden).Where(threshold => threshold + 1 <= 100m * (hidden - threshold - 1)))
        {
            decimal alpha = Exact(SignBitScores.Alpha(threshold, hidden));
            Math.Floor(alpha * hidden / (1 + alpha)).ShouldBe(threshold);
        }
    }

    /// <summary>A neuron with a bias is computed with its least threshold and every greater one, and with none that is less.</summary>
    [Fact]
    public void A_bias_moves_the_least_threshold_and_no_threshold_is_passed_by()
    {
        var random = new Random(1);
        const int Hidden = 96;
        for (int draw = 0; draw < 2000; draw++)
        {
            int disagreeing = random.Next(Hidden + 1);
            float sum = draw % 16 == 0 ? 0 : random.NextSingle() * 50;
            float mean = draw % 16 == 1 ? 0 : random.NextSingle();
            float bias = draw % 16 == 2 ? 0 : (random.NextSingle() - 0.5f) * (draw % 16 == 3 ? 1e30f : sum);
            int least = SignBitScores.LeastThreshold(disagreeing, Hidden, sum, mean, bias);
            for (int threshold = 0; threshold < Hidden; threshold++)
            {
                bool isSkipped = (disagreeing - threshold) * sum * mean > (Hidden - threshold) * bias;
                isSkipped.ShouldBe(threshold < least, $"draw {draw}, threshold {threshold}");
            }
        }

        SignBitScores.LeastThreshold(50, Hidden, 1, 1, 0).ShouldBe(50);
    }

    /// <summary>As many neurons as were meant, with as few digits as tell.</summary>
    [Theory]
    [InlineData(1024)]
    [InlineData(11008)]
    [InlineData(150)]
    [InlineData(1)]
    public void A_share_keeps_the_neurons_that_it_was_made_for(int neurons)
    {
        for (int kept = 1; kept <= neurons; kept++)
        {
            float keep = PromptNeuronsScores.Keep(kept, neurons);
            ((int)Math.Ceiling(Exact(keep) * neurons)).ShouldBe(kept);
        }

        PromptNeuronsScores.Keep(neurons, neurons).ShouldBe(1);
        PromptNeuronsScores.Keep(512, 1024).ShouldBe(0.5f);
    }

    /// <summary>The neurons that the tokens used least, of equals the last.</summary>
    [Fact]
    public void Neurons_are_scored_by_their_shares_of_all_tokens()
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f) with { Intermediate = 4 };
        TokenSample[] samples = [new([], [3, 0, 4, 0], 1), new([], [0, 0, 1, 0], 1)];
        LayerScores scorer = new PromptNeuronsScores().Of([], model, samples);
        float[] scores = new float[4];
        scorer.Score(0, [], scores);
        scores.ShouldBe([0.5f, 0.25f, 0.75f, 0]);
        scorer.Strengths(0.5f).ShouldHaveSingleItem().ShouldBe(new StrengthValue("Keep", 0.5f));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(255)]
    [InlineData(4096)]
    public void A_beta_makes_the_threshold_that_it_was_made_for(int hidden)
    {
        foreach (int least in Enumerable.Range(-4 * hidden, (4 * hidden) + (hidden / 2)).Where(least => least % 7 == 0 || least > 0))
        {
            decimal beta = Exact(SignMagnitudeScores.Beta(least, hidden));
            beta.ShouldBeInRange(1e-9m, 10);
            Math.Round((1 - beta) * hidden / 2, MidpointRounding.AwayFromZero).ShouldBe(least);
        }
    }

    /// <summary>The middle of all, and the middle of where a tenth of them is closest together.</summary>
    [Fact]
    public void A_centre_is_the_median_or_the_mode()
    {
        float[] values = [.. Enumerable.Range(0, 90).Select(i => (float)i), .. Enumerable.Range(0, 11).Select(i => 200 + (i / 100f))];
        ChannelCalibrator.Centre([.. values.Reverse()], ChannelCentre.Median).ShouldBe(50);
        ChannelCalibrator.Centre([.. values.Reverse()], ChannelCentre.Mode).ShouldBe(200.05f, 0.011f);
        ChannelCalibrator.Centre([3f], ChannelCentre.Mode).ShouldBe(3);
    }

    [Theory]
    [InlineData(0.25, 0.1f)]
    [InlineData(0.5, 0.2f)]
    [InlineData(0.74, 0.2f)]
    [InlineData(0.2, 1e-6f)]
    public void A_share_does_not_exceed_the_threshold(double share, float threshold) => ChannelCalibrator.Threshold([0.4f, 0.2f, 0.3f, 0.1f], share).ShouldBe(threshold);
}
